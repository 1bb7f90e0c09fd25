/** Ranges of time as people choose them. Enters: `30d`, now. Leaves: a half-open window, its grain, its name.
 *
 * Ranges of days are whole days of UTC, today's included: bills are allocated by the day, and none can be cut. Shorter
 * ones end at the running minutes, rounded up, so that the same question is asked (and its answer kept) for a while. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface Window {
  from: string;
  to: string;
}

export interface Preset {
  name: string;
  title: string;
}

export const PRESETS: readonly Preset[] = [
  { name: "1h", title: "Last hour" },
  { name: "6h", title: "Last 6 hours" },
  { name: "24h", title: "Last 24 hours" },
  { name: "7d", title: "Last 7 days" },
  { name: "14d", title: "Last 14 days" },
  { name: "30d", title: "Last 30 days" },
  { name: "90d", title: "Last 90 days" },
  { name: "mtd", title: "Month to date" },
  { name: "last-month", title: "Last month" },
  { name: "ytd", title: "Year to date" },
];

export const COMPARES: readonly Preset[] = [
  { name: "previous", title: "Previous period" },
  { name: "week", title: "Week-aligned" },
  { name: "year", title: "Year ago" },
  { name: "custom", title: "Own dates" },
  { name: "off", title: "Nothing" },
];

/** The window of a preset at an instant; the last 30 days where the name is none. */
export function windowOf(range: string, now: number): Window {
  const hours = /^(\d{1,3})h$/.exec(range);
  if (hours) {
    const end = up(now, range === "1h" ? MINUTE : 5 * MINUTE);
    return between(end - Math.max(1, Number(hours[1])) * HOUR, end);
  }
  const today = now - (now % DAY);
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const end = today + DAY;
  if (range === "mtd") return between(Date.UTC(year, month), end);
  if (range === "last-month") return between(Date.UTC(year, month - 1), Date.UTC(year, month));
  if (range === "ytd") return between(Date.UTC(year, 0), end);
  const days = Number(/^(\d{1,3})d$/.exec(range)?.[1] ?? 30);
  return between(today - (Math.max(1, days) - 1) * DAY, end);
}

/** The range a page begins with: shorter where a comparison with as long a time before would lack facts. */
export function fitting(range: string, compare: string, first: string | null, now: number): string {
  if (range !== "30d" || compare !== "previous" || first === null) return range;
  const days = (now - Date.parse(first)) / DAY;
  return days >= 59 ? range : days >= 27 ? "14d" : "7d";
}

/** What of a window can be compared: without the day that still goes on, or without the minute where it ends at a time
 * of day. Null where none is over, and the window itself where it ends before facts do. */
export function comparable({ from, to }: Window, latest: string | null): Window | null {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  if (latest === null || end <= Date.parse(latest)) return { from, to };
  const over = Date.parse(latest) - (Date.parse(latest) % (end % DAY === 0 ? DAY : MINUTE));
  return over > start ? between(start, over) : null;
}

/** In words how what is compared is less than what is shown; begins with a comma. */
export function lessSaid(shown: string, compared: string): string {
  if (compared === shown) return "";
  return Date.parse(compared) % DAY === 0 ? ", whole days" : ", up to the latest facts";
}

/** How finely a window is cut where nobody has chosen. */
export function grainOf({ from, to }: Window): string {
  const span = Date.parse(to) - Date.parse(from);
  if (span <= 6 * HOUR) return "minute";
  if (span <= 3 * DAY) return "hour";
  return "day";
}

/** Where ranges end: now, or the latest fact of data that no longer grows, so that it is seen at all. */
export function anchorOf(now: number, latest: string | null): number {
  const last = latest === null ? NaN : Date.parse(latest);
  return Number.isNaN(last) || now - last < DAY ? now : last + 1;
}

/** The whole days of UTC that a window touches. */
export function wholeDays({ from, to }: Window): Window {
  return between(Math.floor(Date.parse(from) / DAY) * DAY, up(Date.parse(to), DAY));
}

/** An instant as a link has it: a bare date at midnight UTC, RFC 3339 to the minute otherwise. */
export function written(iso: string): string {
  const at = new Date(iso);
  const text = at.toISOString();
  if (at.getTime() % DAY === 0) return text.slice(0, 10);
  return at.getTime() % MINUTE === 0 ? `${text.slice(0, 16)}Z` : text.replace(".000Z", "Z");
}

/** An instant of a link as RFC 3339; null where it is none. A bare date is its midnight in UTC. */
export function instantOf(text: string | null): string | null {
  if (!text || !/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
  const zoned = text.length === 10 || /(Z|[+-]\d{2}:\d{2})$/.test(text) ? text : `${text}Z`;
  const at = Date.parse(zoned);
  return Number.isNaN(at) ? null : new Date(at).toISOString().replace(".000Z", "Z");
}

function between(from: number, to: number): Window {
  const text = (at: number) => new Date(at).toISOString().replace(".000Z", "Z");
  return { from: text(from), to: text(to) };
}

function up(at: number, step: number): number {
  return Math.ceil(at / step) * step;
}
