/** What is said of billing periods. */

/** Of what a decision says where a difference comes from. */
export const CAUSES = [
  "rounding", "tax", "credit", "currency", "timing", "correction", "price", "usage", "duplicate", "missing",
  "late_data", "other",
] as const; // prettier-ignore

export function toneOf(status: string): "good" | "bad" | "warn" {
  if (["ties out", "closed", "accepted", "adjusted"].includes(status)) return "good";
  return status === "differs" ? "bad" : "warn";
}

export function spoken(name: string): string {
  const text = name.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
