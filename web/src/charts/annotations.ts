/** What happened, on a rail above a chart. Enters: annotations and a scale. Leaves: clusters that do not overlap. */

export type AnnotationKind = "deployment" | "flag" | "incident" | "price_change" | "note";

export interface Annotation {
  /** Null where it is derived from the facts: the first event of a release. */
  id: number | string | null;
  kind: AnnotationKind | string;
  title: string;
  text?: string | null;
  start: string;
  end?: string | null;
  url?: string | null;
}

export interface Cluster {
  /** Pixels from the left of the plot. */
  at: number;
  annotations: Annotation[];
}

const WORDS: Record<string, [letter: string, word: string]> = {
  deployment: ["D", "deployment"],
  flag: ["F", "flag"],
  incident: ["!", "incident"],
  price_change: ["$", "price change"],
  note: ["N", "note"],
};

export function letterOf(kind: string): string {
  return WORDS[kind]?.[0] ?? "N";
}

export function wordOf(kind: string): string {
  return WORDS[kind]?.[1] ?? kind;
}

/** Neighbours closer than `room` pixels share one mark; those outside of [0, width] are left out. */
export function clustered(
  annotations: readonly Annotation[],
  position: (seconds: number) => number,
  width: number,
  room = 28,
): Cluster[] {
  const placed = annotations
    .map((annotation) => ({ annotation, at: position(Date.parse(annotation.start) / 1000) }))
    .filter(({ at }) => at >= 0 && at <= width)
    .sort((one, other) => one.at - other.at);
  const clusters: Cluster[] = [];
  for (const { annotation, at } of placed) {
    const last = clusters.at(-1);
    if (last && at - last.at < room) last.annotations.push(annotation);
    else clusters.push({ at, annotations: [annotation] });
  }
  return clusters;
}

/** What tells one from another; those derived from facts have no id. */
export function keyOf({ id, kind, start, title }: Annotation): string {
  return id === null ? `${kind} ${start} ${title}` : String(id);
}

/** One name for all of a cluster: "2 deployments, 1 incident". */
export function summed(annotations: readonly Annotation[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of annotations) counts.set(wordOf(kind), (counts.get(wordOf(kind)) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} ${word}${count === 1 ? "" : "s"}`).join(", ");
}
