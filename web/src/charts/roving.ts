/** One tab stop for all marks of a chart: arrows move between them. */

import { useRef, useState, type KeyboardEvent } from "react";

import { moved } from "./cursor";

export function useRoving<Mark extends HTMLElement | SVGElement>(count: number) {
  const [at, setAt] = useState(0);
  const marks = useRef<(Mark | null)[]>([]);
  const current = Math.min(at, Math.max(0, count - 1));
  const onKeyDown = (event: KeyboardEvent) => {
    const vertical: Record<string, string> = { ArrowDown: "ArrowRight", ArrowUp: "ArrowLeft" };
    const next = moved(vertical[event.key] ?? event.key, current, count);
    if (next === undefined || next === null) return;
    event.preventDefault();
    setAt(next);
    marks.current[next]?.focus();
  };
  return (index: number) => ({
    ref: (mark: Mark | null) => {
      marks.current[index] = mark;
    },
    tabIndex: index === current ? 0 : -1,
    onFocus: () => setAt(index),
    onKeyDown,
  });
}
