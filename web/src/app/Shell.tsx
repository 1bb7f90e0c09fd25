import { lazy, Suspense, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useRouter, useRouterState } from "@tanstack/react-router";

import { usePermissions } from "../api/hooks";
import { Toasts } from "../parts/Toasts";
import { commandsOf } from "./commands";
import { ExplainContext, type ToExplain } from "./explaining";
import { ExportContext, type Exported } from "./exported";
import { FilterBar } from "./FilterBar";
import { keep, kept } from "./kept";
import { LiveContext, useFollowing } from "./live";
import { Nav } from "./Nav";
import { pageOf } from "./pages";
import "./shell.css";
import { useShortcuts, useSingleKeys } from "./shortcuts";
import { useGo, useLinkTo, useProject, useView } from "./state";
import { printPage } from "./theme";
import { TopBar } from "./TopBar";

const Explain = lazy(() => import("./Explain"));
const Help = lazy(() => import("./Help"));
const Palette = lazy(() => import("./Palette"));
const Tour = lazy(() => import("./Tour"));
const Views = lazy(() => import("./Views"));

type Opened = "palette" | "help" | "views" | null;

/** What is around every page: where one can go, what is looked at, and what can be asked of it. */
export function Shell({ children }: { children: ReactNode }) {
  const live = useFollowing();
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const [opened, setOpened] = useState<Opened>(null);
  const [explained, setExplained] = useState<ToExplain | null>(null);
  const [exported, setExported] = useState<Exported | null>(null);
  const [touring, setTouring] = useTouring();
  const [singles, setSingles] = useSingleKeys();
  const project = useProject();
  const { history } = useRouter();
  const page = pageOf(pathname);
  const main = useArrival(pathname, page?.title);
  const offered = useMemo(() => ({ exported, offer: setExported }), [exported]);
  const goTo = useGoTo();
  useShortcuts(singles, (asked) => {
    if (asked.do === "go") goTo(asked.path);
    else if (asked.do === "filter") document.querySelector<HTMLElement>(".pu-add-filter")?.click();
    else if (asked.do === "pause") live.setPaused(!live.paused);
    else if (asked.do !== "wait") setOpened(asked.do);
  });
  const close = () => setOpened(null);
  return (
    <LiveContext value={live}>
      <ExplainContext value={setExplained}>
        <ExportContext value={offered}>
          <a className="pu-skip" href="#main">
            Skip to the page
          </a>
          <div className="pu-frame">
            <Nav pathname={pathname} />
            <div className="pu-side">
              <TopBar
                onPalette={() => setOpened("palette")}
                onHelp={() => setOpened("help")}
                onViews={() => setOpened("views")}
                onTour={project.demo ? () => setTouring(true) : null}
              />
              <FilterBar controls={page?.controls ?? []} />
              <main id="main" ref={main} tabIndex={-1}>
                {children}
              </main>
            </div>
          </div>
          <Toasts />
          <Suspense fallback={null}>
            {opened === "palette" ? <Commands onClose={close} onOpen={setOpened} /> : null}
            {opened === "help" ? <Help singles={singles} onSingles={setSingles} onClose={close} /> : null}
            {opened === "views" ? <Views page={pathname} state={history.location.search} onClose={close} /> : null}
            {explained ? <Explain what={explained} onClose={() => setExplained(null)} /> : null}
            {touring ? <Tour onClose={() => setTouring(false)} /> : null}
          </Suspense>
        </ExportContext>
      </ExplainContext>
    </LiveContext>
  );
}

function Commands({ onClose, onOpen }: { onClose: () => void; onOpen: (what: Opened) => void }) {
  const acts = [
    { title: "Saved views", group: "Open", act: () => onOpen("views") },
    { title: "Keys and help", group: "Open", act: () => onOpen("help") },
    { title: "Print this page", group: "Do", act: printPage },
  ];
  return (
    <Palette commands={commandsOf(useView(), useProject(), usePermissions(), useGoTo(), acts)} onClose={onClose} />
  );
}

/** Goes to another page with what is looked at. */
function useGoTo(): (path: string) => void {
  const go = useGo();
  const linkTo = useLinkTo();
  return (path) => go(linkTo(path));
}

/** Names the window after the page, and lets a screen reader go on at the page, not at the link that led there. */
function useArrival(pathname: string, title: string | undefined) {
  const main = useRef<HTMLElement>(null);
  const before = useRef(pathname);
  useEffect(() => {
    document.title = title ? `${title} · perunit` : "perunit";
    if (before.current === pathname) return;
    before.current = pathname;
    // A dialog or the tour, which led here, keeps the focus.
    if (document.querySelector("dialog[open], .pu-coach") === null) main.current?.focus({ preventScroll: true });
  }, [pathname, title]);
  return main;
}

// A tour goes on where it was when the page is loaded anew.
function useTouring(): [boolean, (on: boolean) => void] {
  const [touring, setTouring] = useState(() => kept("touring") === "yes");
  return [
    touring,
    (on) => {
      keep("touring", on ? "yes" : null);
      setTouring(on);
    },
  ];
}
