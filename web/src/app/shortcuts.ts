/** Keys that do something. Enters: keys as pressed. Leaves: what they ask for; words typed into a field ask nothing. */

import { useEffect, useRef, useState } from "react";

import { keep, kept } from "./kept";
import { PAGES } from "./pages";

export type Asked =
  { do: "palette" | "help" | "filter" | "pause" } | { do: "go"; path: string } | { do: "wait"; until: number } | null;

const WAIT_MS = 1_500;

export interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** What a key asks for, `waiting` until when for the letter after `g`. Single keys may be switched off. */
export function askedBy(pressed: Key, waiting: number, now: number, singles: boolean): Asked {
  const { key, ctrlKey, metaKey, altKey } = pressed;
  if ((ctrlKey || metaKey) && !altKey && key.toLowerCase() === "k") return { do: "palette" };
  if (!singles || ctrlKey || metaKey || altKey) return null;
  if (now < waiting) {
    const page = PAGES.find((each) => each.key === key.toLowerCase());
    return page ? { do: "go", path: page.path } : null;
  }
  if (key === "g") return { do: "wait", until: now + WAIT_MS };
  if (key === "?") return { do: "help" };
  if (key === "/") return { do: "filter" };
  if (key === "p") return { do: "pause" };
  return null;
}

/** Whether a key belongs to what is focused: a field, or a chart with keys of its own. */
export function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

export function useSingleKeys(): [boolean, (on: boolean) => void] {
  const [on, setOn] = useState(() => kept("shortcuts") !== "off");
  return [
    on,
    (next) => {
      keep("shortcuts", next ? null : "off");
      setOn(next);
    },
  ];
}

export function useShortcuts(singles: boolean, act: (asked: NonNullable<Asked>) => void): void {
  const waiting = useRef(0);
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat) return;
      const asked = askedBy(event, waiting.current, Date.now(), singles && !typing(event.target));
      waiting.current = asked?.do === "wait" ? asked.until : 0;
      if (asked === null || asked.do === "wait") return;
      // A dialog that is open keeps its keys; only the palette may come over it.
      if (document.querySelector("dialog[open]") && asked.do !== "palette") return;
      event.preventDefault();
      latest.current(asked);
    };
    document.addEventListener("keydown", down);
    return () => document.removeEventListener("keydown", down);
  }, [singles]);
}
