/** What was just done, said once and then gone. Enters: a sentence. Leaves: what is to be shown now. */

import { useSyncExternalStore } from "react";

interface Said {
  id: number;
  text: string;
}

const SECONDS = 6;
let shown: readonly Said[] = [];
let last = 0;
const watching = new Set<() => void>();

function put(next: readonly Said[]): void {
  shown = next;
  for (const told of watching) told();
}

export function say(text: string): void {
  const id = ++last;
  put([...shown, { id, text }]);
  setTimeout(() => dismiss(id), SECONDS * 1000);
}

export function dismiss(id: number): void {
  put(shown.filter((each) => each.id !== id));
}

/** Says that something was done. */
export function useToast(): (text: string) => void {
  return say;
}

export function useSaid(): readonly Said[] {
  return useSyncExternalStore(
    (told) => {
      watching.add(told);
      return () => watching.delete(told);
    },
    () => shown,
  );
}
