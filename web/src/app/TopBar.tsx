import { Suspense, lazy, useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";

import { send } from "../api/client";
import { exportAddress } from "../api/questions";
import { SESSION_KEY, usePermissions, useSession } from "../api/hooks";
import { duration, time } from "../format";
import { useExported } from "./exported";
import { Icon } from "./Icon";
import { useLive } from "./live";
import { Pop } from "./Pop";
import { spanned } from "./share";
import { useGo, useProject, useView } from "./state";
import { STATUSES } from "./status";
import { printPage, useTheme, type Theme } from "./theme";
import { Sheet } from "./Sheet";

const Password = lazy(() => import("../pages/login/Password").then((page) => ({ default: page.Password })));

interface TopBarProps {
  onPalette: () => void;
  onHelp: () => void;
  onViews: () => void;
  onTour: (() => void) | null;
}

/** How fresh the figures are, and what can be done with the page as a whole. */
export function TopBar({ onPalette, onHelp, onViews, onTour }: TopBarProps) {
  return (
    <div className="pu-bar" role="region" aria-label="This page">
      <Fresh />
      <div className="pu-bar-acts">
        {onTour ? (
          <button type="button" className="pu-button pu-button-first pu-bar-tour" onClick={onTour}>
            <Icon name="tour" /> Tour
          </button>
        ) : null}
        <button type="button" className="pu-button pu-bar-find" onClick={onPalette} aria-label="Find ⌘K">
          <Icon name="search" /> <span className="pu-bar-word">Find</span> <kbd>⌘K</kbd>
        </button>
        <Share />
        <Export />
        <Act icon="save" word="Views" onClick={onViews} />
        <Look />
        <Act icon="help" word="Help" onClick={onHelp} short />
        <Person />
      </div>
    </div>
  );
}

function Act({
  icon,
  word,
  onClick,
  short = false,
}: {
  icon: string;
  word: string;
  onClick: () => void;
  short?: boolean;
}) {
  return (
    <button
      type="button"
      className={short ? "pu-icon-button" : "pu-button"}
      aria-label={word}
      title={word}
      onClick={onClick}
    >
      <Icon name={icon} /> {short ? null : <span className="pu-bar-word">{word}</span>}
    </button>
  );
}

/** Until when there are facts, how old that is, whether more are followed, and whether bills have come. */
function Fresh() {
  const project = useProject();
  const live = useLive();
  const { tz } = useView();
  const now = useNow();
  const latest = live.latest?.latest_event ?? project.freshness.latest_event;
  const status = STATUSES[project.status ?? ""];
  const lag = latest === null ? null : Math.max(0, (now - Date.parse(latest)) / 1000);
  const word = { live: "Live", paused: "Paused", waiting: "Connecting" }[live.state];
  return (
    <div className="pu-fresh">
      <button
        type="button"
        className={`pu-fresh-live pu-fresh-${live.state}`}
        aria-pressed={live.paused}
        title={
          live.paused ? "Figures stand still; press to follow new facts" : "Figures follow new facts; press to pause"
        }
        onClick={() => live.setPaused(!live.paused)}
      >
        <Icon name={live.paused ? "play" : "pause"} />
        {word}
      </button>
      {latest === null ? (
        <span>No facts yet</span>
      ) : (
        <span title={`Latest fact: ${time(latest, tz)}`}>
          <span className="pu-bar-word">Data until {time(latest, tz, "minute")} · </span>
          {lag !== null && lag < 1 ? "now" : `${duration(coarse(lag ?? 0))} ago`}
        </span>
      )}
      {status ? (
        <span className={`pu-badge pu-badge-${status.tone}`} title={status.meaning}>
          {status.word}
        </span>
      ) : null}
    </div>
  );
}

function coarse(seconds: number): number {
  if (seconds < 60) return Math.round(seconds);
  return seconds < 3600 ? Math.floor(seconds / 60) * 60 : Math.floor(seconds / 3600) * 3600;
}

function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const tick = setInterval(() => setNow(Date.now()), 5_000);
    return () => clearInterval(tick);
  }, []);
  return now;
}

function Share() {
  const view = useView();
  const [said, setSaid] = useState("");
  async function copy(address: string, what: string) {
    try {
      await navigator.clipboard.writeText(address);
      setSaid(`${what} copied.`);
    } catch {
      setSaid("The browser did not allow copying; copy the address above the page.");
    }
  }
  return (
    <Pop className="pu-button" align="end" name="Share" label={<><Icon name="share" /> <span className="pu-bar-word">Share</span></>}>
      {() => (
        <div className="pu-menu">
          <button type="button" onClick={() => void copy(location.href, "Link")}>
            Copy link
            <small>A range such as “last 30 days” moves on with time.</small>
          </button>
          <button type="button" onClick={() => void copy(spanned(location.href, view), "Link with these dates")}>
            Copy link with these dates
            <small>Shows the same range, zone and currency to everybody, later too.</small>
          </button>
          <button type="button" onClick={printPage}>
            Print
          </button>
          <p role="status" className="pu-hint">
            {said}
          </p>
        </div>
      )}
    </Pop>
  );
} // prettier-ignore

function Export() {
  const exported = useExported();
  const may = usePermissions();
  if (exported === null) return null;
  return (
    <Pop className="pu-button" align="end" name="Export" label={<><Icon name="export" /> <span className="pu-bar-word">Export</span></>}>
      {(close) => (
        <div className="pu-menu">
          {may.has("figures:export") ? (
            (["csv", "parquet"] as const).map((format) => (
              <a key={format} href={exportAddress(exported.question, format)} download onClick={close}>
                {exported.title} as {format === "csv" ? "CSV" : "Parquet"}
                <small>All rows, with their timezone and currency.</small>
              </a>
            ))
          ) : (
            <p className="pu-hint">Exports need the permission figures:export; ask an administrator for a role that has it.</p>
          )}
          <p className="pu-hint">A chart's picture is saved from the chart itself.</p>
        </div>
      )}
    </Pop>
  );
} // prettier-ignore

const LOOKS: readonly (readonly [Theme, string, string])[] = [
  ["light", "Light", "sun"],
  ["dark", "Dark", "moon"],
  ["system", "As the system", "screen"],
];

function Look() {
  const [theme, setTheme] = useTheme();
  const icon = LOOKS.find(([name]) => name === theme)![2];
  return (
    <Pop className="pu-icon-button" align="end" name="Look: light or dark" label={<Icon name={icon} />}>
      {(close) => (
        <div className="pu-menu">
          {LOOKS.map(([name, title, sign]) => (
            <button
              key={name}
              type="button"
              aria-pressed={name === theme}
              onClick={() => {
                setTheme(name);
                close();
              }}
            >
              <span>
                <Icon name={sign} /> {title}
              </span>
            </button>
          ))}
        </div>
      )}
    </Pop>
  );
}

function Person() {
  const { user, has_password: hasPassword } = useSession().data ?? {};
  const [changing, setChanging] = useState(false);
  const client = useQueryClient();
  const go = useGo();
  if (!user) return null;
  async function leave() {
    await send("DELETE", "/session").catch(() => null); // Ended already: the next answer says so.
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
    await client.invalidateQueries({ queryKey: SESSION_KEY });
    go("/login", true);
  }
  return (
    <>
      <Pop className="pu-icon-button" align="end" name={`Account of ${user.name}`} label={<Icon name="user" />}>
        {(close) => (
          <div className="pu-menu">
            <p>
              {user.name}
              <small>{user.role}</small>
            </p>
            {hasPassword ? (
              <button
                type="button"
                onClick={() => {
                  close();
                  setChanging(true);
                }}
              >
                Change password
              </button>
            ) : null}
            <button type="button" onClick={() => void leave()}>
              Sign out
            </button>
          </div>
        )}
      </Pop>
      {changing ? (
        <Sheet title="Change your password" onClose={() => setChanging(false)}>
          <Suspense fallback={null}>
            <Password current onDone={() => setChanging(false)} />
          </Suspense>
        </Sheet>
      ) : null}
    </>
  );
}
