/** The keyboard's cursor over buckets. Enters: a key and where the cursor is. Leaves: where it goes. */

/** The next index, null to clear it, undefined where the key is none of the cursor's. */
export function moved(key: string, at: number | null, length: number): number | null | undefined {
  if (length === 0) return undefined;
  const last = length - 1;
  const clamp = (index: number) => Math.min(last, Math.max(0, index));
  switch (key) {
    case "ArrowRight":
      return at === null ? 0 : clamp(at + 1);
    case "ArrowLeft":
      return at === null ? last : clamp(at - 1);
    case "PageDown":
      return at === null ? 0 : clamp(at + 10);
    case "PageUp":
      return at === null ? last : clamp(at - 10);
    case "Home":
      return 0;
    case "End":
      return last;
    case "Escape":
      return at === null ? undefined : null;
    default:
      return undefined;
  }
}

/** The index of the bucket nearest to an instant; `times` rise. */
export function nearest(times: readonly number[], at: number): number {
  let low = 0;
  let high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= at) low = middle;
    else high = middle;
  }
  return Math.abs(times[high]! - at) < Math.abs(times[low]! - at) ? high : low;
}
