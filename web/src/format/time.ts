/** How instants and spans of time look. Enters: RFC 3339 text. Leaves: text in one timezone, named. */

import { UNKNOWN } from "./numbers";

/** `second` is a column of instants: all as long, also where one falls on a whole minute. */
export type Grain = "second" | "minute" | "hour" | "day" | "month" | "total";

const formats = new Map<string, Intl.DateTimeFormat>();

/** A bucket's start as long as its grain needs; without a grain the instant with its zone's name.
 *
 * Days and months are UTC's own: the sums are kept by UTC day, so a viewer's zone would show the wrong date. */
export function time(iso: string | number | Date | null | undefined, tz: string, grain?: Grain | string): string {
  const moment = instant(iso);
  if (moment === null) return UNKNOWN;
  if (grain === "month") return parts(moment, "UTC").month;
  if (grain === "day") return `${parts(moment, "UTC").date} ${parts(moment, "UTC").weekday}`;
  const shown = parts(moment, tz);
  if (grain === "hour" || grain === "minute") return `${shown.date} ${shown.clock}`;
  const seconds = shown.seconds === "00" && grain !== "second" ? "" : `:${shown.seconds}`;
  return `${shown.date} ${shown.clock}${seconds} ${zone(moment, tz)}`;
}

/** Only the clock: 14:05, for axes inside one day. */
export function clock(iso: string | number | Date | null | undefined, tz: string): string {
  const moment = instant(iso);
  return moment === null ? UNKNOWN : parts(moment, tz).clock;
}

/** The value of an `<input type="datetime-local">` in a zone. */
export function typed(iso: string | number | Date, tz: string): string {
  const moment = instant(iso);
  if (moment === null) return "";
  const shown = parts(moment, tz);
  return `${shown.date}T${shown.clock}`;
}

/** The instant that a typed local time means in a zone, as RFC 3339; null where it is no time.
 *
 * A time that a clock change leaves out or has twice is taken with the offset before the change. */
export function meant(local: string, tz: string): string | null {
  const guess = Date.parse(`${local}Z`);
  if (Number.isNaN(guess)) return null;
  const once = guess - offset(guess, tz);
  const twice = guess - offset(once, tz);
  return new Date(twice).toISOString().replace(".000Z", "Z");
}

/** Seconds as at most two units: 45 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function duration(seconds: number | string | null | undefined): string {
  if (seconds === null || seconds === undefined || seconds === "") return UNKNOWN;
  const all = Number(seconds);
  if (!Number.isFinite(all)) return UNKNOWN;
  const sign = all < 0 ? "-" : "";
  const size = Math.abs(all);
  if (size < 1) return `${sign}${Number(size.toFixed(size < 0.1 ? 3 : 2))} s`;
  if (size < 10 && !Number.isInteger(size)) return `${sign}${Number(size.toFixed(1))} s`;
  const whole = Math.round(size);
  const units = [
    ["d", Math.floor(whole / 86_400)],
    ["h", Math.floor(whole / 3_600) % 24],
    ["min", Math.floor(whole / 60) % 60],
    ["s", whole % 60],
  ] as const;
  const first = units.findIndex(([, amount]) => amount > 0);
  const shown = units.slice(first, first + 2).filter(([, amount]) => amount > 0);
  return sign + shown.map(([name, amount]) => `${amount} ${name}`).join(" ");
}

/** The name of a zone at an instant: UTC, GMT+2, EST. */
export function zone(moment: Date | string, tz: string): string {
  if (tz === "UTC") return "UTC";
  const named = format(tz, { timeZoneName: "short" }).formatToParts(new Date(moment));
  return named.find((part) => part.type === "timeZoneName")?.value ?? tz;
}

export function instant(iso: string | number | Date | null | undefined): Date | null {
  if (iso === null || iso === undefined || iso === "") return null;
  const moment = new Date(iso);
  return Number.isNaN(moment.getTime()) ? null : moment;
}

function parts(moment: Date, tz: string) {
  const found: Record<string, string> = {};
  for (const { type, value } of format(tz, {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).formatToParts(moment)) {
    found[type] = value;
  }
  return {
    month: `${found["year"]}-${found["month"]}`,
    date: `${found["year"]}-${found["month"]}-${found["day"]}`,
    weekday: found["weekday"]!,
    clock: `${found["hour"]}:${found["minute"]}`,
    seconds: found["second"]!,
  };
}

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds. */
function offset(at: number, tz: string): number {
  const { date, clock: hour, seconds } = parts(new Date(at), tz);
  return Date.parse(`${date}T${hour}:${seconds}Z`) - Math.floor(at / 1000) * 1000;
}

function format(tz: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${tz} ${Object.keys(options).join()}`;
  let found = formats.get(key);
  if (!found) formats.set(key, (found = dateFormat(tz, options)));
  return found;
}

/** A zone that this browser does not know is shown as UTC, which zone() then says. */
function dateFormat(tz: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", { ...options, timeZone: tz });
  } catch {
    return new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" });
  }
}
