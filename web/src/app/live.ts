/** New sums as they come. Enters: the server's events. Leaves: what is shown is asked for again, every few seconds at
 * most, and never while paused or out of sight. */

import { createContext, useContext, useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";

import { ROOT } from "../api/client";
import type { Freshness } from "../api/types";
import { useParam } from "./state";

const ASK_AGAIN_MS = 5_000;

export interface Live {
  state: "live" | "paused" | "waiting";
  /** What the last event said. */
  latest: (Freshness & { lag_seconds?: number | null }) | null;
  paused: boolean;
  setPaused: (paused: boolean) => void;
}

export const LiveContext = createContext<Live>({ state: "waiting", latest: null, paused: false, setPaused: () => {} });

/** Whether figures follow the facts, and how to stop them. */
export const useLive = (): Live => useContext(LiveContext);

/** Follows the server; once, in the shell. */
export function useFollowing(): Live {
  const client = useQueryClient();
  const [param, setParam] = useParam("paused");
  const paused = param === "1";
  const [open, setOpen] = useState(false);
  const [latest, setLatest] = useState<Live["latest"]>(null);
  useEffect(() => {
    if (paused || typeof EventSource === "undefined") return;
    let due: ReturnType<typeof setTimeout> | null = null;
    let asked = Date.now();
    const again = () => {
      due = null;
      if (document.hidden) return; // Coming back into sight asks.
      asked = Date.now();
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
    };
    const seen = () => {
      if (!document.hidden && due === null && Date.now() - asked > ASK_AGAIN_MS) again();
    };
    const stream = new EventSource(`${ROOT}/live`);
    stream.addEventListener("open", () => setOpen(true));
    // The browser connects again by itself; until then what is shown may be old.
    stream.addEventListener("error", () => setOpen(false));
    stream.addEventListener("data", (event) => {
      setLatest(parsed(event.data));
      due ??= setTimeout(again, Math.max(0, asked + ASK_AGAIN_MS - Date.now()));
    });
    document.addEventListener("visibilitychange", seen);
    return () => {
      stream.close();
      document.removeEventListener("visibilitychange", seen);
      if (due) clearTimeout(due);
    };
  }, [client, paused]);
  const state = paused ? "paused" : open ? "live" : "waiting";
  return { state, latest, paused, setPaused: (next) => setParam(next ? "1" : "") };
}

function parsed(text: string): Live["latest"] {
  try {
    return JSON.parse(text) as Live["latest"];
  } catch {
    return null;
  }
}
