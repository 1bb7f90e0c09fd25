/** New sums as they come. Enters: the server's events. Leaves: pages that ask again, at most every few seconds. */

import { useEffect, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";

const ASK_AGAIN_MS = 5_000;

export type LiveState = "live" | "paused" | "waiting";

/** Asks again for all that the page shows when sums have changed; not while paused or hidden. */
export function useLive(paused: boolean): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>("waiting");
  useEffect(() => {
    if (paused) {
      setState("paused");
      return;
    }
    setState("waiting");
    let due: ReturnType<typeof setTimeout> | null = null;
    let asked = 0;
    const ask = () => {
      due = null;
      asked = Date.now();
      if (!document.hidden) void client.invalidateQueries();
    };
    const stream = new EventSource("/api/v1/live");
    stream.addEventListener("open", () => setState("live"));
    // EventSource connects again by itself; until then what is shown may be old.
    stream.addEventListener("error", () => setState("waiting"));
    stream.addEventListener("data", () => {
      due ??= setTimeout(ask, Math.max(0, asked + ASK_AGAIN_MS - Date.now()));
    });
    return () => {
      stream.close();
      if (due) clearTimeout(due);
    };
  }, [client, paused]);
  return state;
}
