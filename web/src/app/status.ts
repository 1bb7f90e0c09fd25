/** What a figure's cost rests on, in words. */
export const STATUSES: Readonly<Record<string, { word: string; tone: string; meaning: string }>> = {
  estimated: { word: "Estimated", tone: "info", meaning: "Cost is usage at list prices; no bill has come yet." },
  mixed: { word: "Partly billed", tone: "info", meaning: "Part of the cost is from bills, the rest is usage at list prices." },
  billed: { word: "Billed", tone: "good", meaning: "Cost is what providers billed." },
  closed: { word: "Closed", tone: "good", meaning: "Cost is what providers billed, and the period is locked." },
}; // prettier-ignore
