/** The pages: where each is, what it is called, how long back it looks first, who may be shown it. */

export type Control = "range" | "compare" | "unit" | "grain" | "currency" | "filters";

export interface PageEntry {
  path: string;
  title: string;
  /** The letter after `g`. */
  key: string;
  range: string;
  compare: string;
  icon: string;
  /** Any of these permissions shows its link; none: everybody. */
  needs: readonly string[];
  /** What can be chosen above it. */
  controls: readonly Control[];
}

const ALL: readonly Control[] = ["range", "compare", "unit", "grain", "currency", "filters"];
/** Of pages whose path says which unit. */
const FACTS: readonly Control[] = ["range", "currency", "filters"];

export const PAGES: readonly PageEntry[] = [
  page("/executive", "Executive", "e", "30d", "previous", "chart", [], ALL),
  page("/oncall", "On-call", "o", "24h", "off", "pulse", [], ["range", "unit", "grain", "currency", "filters"]),
  page(
    "/debug",
    "Debug",
    "d",
    "24h",
    "off",
    "search",
    [],
    ["range", "compare", "unit", "grain", "currency", "filters"],
  ),
  page("/units", "Units", "u", "7d", "off", "receipt", ["units:read"], FACTS),
  page("/reconciliation", "Reconciliation", "r", "last-month", "off", "balance", ["reconciliation:read"], []),
  page("/prices", "Price books", "p", "30d", "off", "tag", ["prices:read"], []),
  page("/quality", "Data quality", "q", "7d", "off", "check", ["quality:read"], ["range"]),
  page("/contract", "Contract", "c", "30d", "off", "book", [], []),
  page(
    "/admin",
    "Admin",
    "a",
    "30d",
    "off",
    "people",
    ["people:manage", "keys:manage", "audit:read", "privacy:erase"],
    [],
  ),
];

function page(
  path: string,
  title: string,
  key: string,
  range: string,
  compare: string,
  icon: string,
  needs: readonly string[],
  controls: readonly Control[],
): PageEntry {
  return { path, title, key, range, compare, icon, needs, controls };
}

/** The page that a path belongs to. */
export function pageOf(pathname: string): PageEntry | undefined {
  return PAGES.find(({ path }) => pathname === path || pathname.startsWith(`${path}/`));
}

/** Where somebody begins: leaders with what is earned, first responders with what is lost, engineers with why. */
export function homeOf(role: string | undefined): string {
  if (role === "oncall") return "/oncall";
  if (role === "engineer") return "/debug";
  return "/executive";
}
