import type { Chosen } from "./state";
import { written } from "./ranges";
import { said } from "./search";

/** A link that shows the same to everybody: dates instead of a range that moves, and the zone and currency named. */
export function spanned(
  href: string,
  { from, to, tz, currency }: Pick<Chosen, "from" | "to" | "tz" | "currency">,
): string {
  const address = new URL(href);
  const at = new URLSearchParams(address.search);
  at.delete("range");
  at.set("from", written(from));
  at.set("to", written(to));
  at.set("tz", tz);
  if (currency) at.set("currency", currency);
  return address.origin + address.pathname + said(at);
}
