/** Colours and sizes that a canvas needs as values. Enters: CSS variables. Leaves: their values, anew at each theme. */

import { useEffect, useState, type RefObject } from "react";

/** Series are told apart by colour and by dash: meaning is never in colour alone. */
export const DASHES: readonly (readonly number[])[] = [
  [],
  [8, 4],
  [2, 3],
  [10, 3, 2, 3],
  [5, 2],
  [1, 2],
  [12, 4],
  [4, 4],
];
/** The incomplete bucket; finer than any series' own dash. */
export const INCOMPLETE_DASH: readonly number[] = [2, 3];

export function colorOf(index: number, color?: number | string): string {
  if (typeof color === "string") return color;
  return `var(--s${(((color ?? index + 1) - 1) % DASHES.length) + 1})`;
}

/** `var(--s1)` as the value it has now. */
export function resolved(color: string): string {
  const name = /^var\((--[\w-]+)\)$/.exec(color)?.[1];
  return name ? getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "gray" : color;
}

/** A number that changes with the theme, to rebuild what was drawn with the old colours. */
export function useTheme(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const changed = () => setVersion((current) => current + 1);
    const observer = new MutationObserver(changed);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", changed);
    return () => {
      observer.disconnect();
      system.removeEventListener("change", changed);
    };
  }, []);
  return version;
}

/** An element's width as it changes; 0 before it is known. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observed = element.current;
    if (!observed) return;
    setWidth(Math.floor(observed.clientWidth));
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    observer.observe(observed);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
