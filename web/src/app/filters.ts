/** Filters as links and the API write them: `region:eu,us`, `region!:eu`; an empty value is the unknown one. */

export interface Filter {
  dimension: string;
  exclude: boolean;
  values: string[];
}

/** The filter of a text; null where it is none. */
export function filterOf(text: string): Filter | null {
  const found = /^([^:!]+)(!?):(.*)$/s.exec(text);
  if (!found) return null;
  return {
    dimension: found[1]!,
    exclude: found[2] === "!",
    values: found[3]!.split(",").map((value) => decoded(value)),
  };
}

export function filterText({ dimension, exclude, values }: Filter): string {
  return `${dimension}${exclude ? "!" : ""}:${values.map(encoded).join(",")}`;
}

/** The filters with one more: values of a dimension chosen the same way come together. */
export function withFilter(filters: readonly string[], added: Filter): string[] {
  const others: string[] = [];
  const values: string[] = [];
  for (const text of filters) {
    const filter = filterOf(text);
    if (filter && filter.dimension === added.dimension && filter.exclude === added.exclude)
      values.push(...filter.values);
    else others.push(text);
  }
  return [...others, filterText({ ...added, values: [...new Set([...values, ...added.values])] })];
}

/** `region is eu or us`, as people say it. */
export function filterSaid({ dimension, exclude, values }: Filter): string {
  return `${dimension} ${exclude ? "is not" : "is"} ${values.map((value) => value || "unknown").join(" or ")}`;
}

// Only what has a meaning of its own is encoded; a link stays readable.
function encoded(value: string): string {
  return value.replace(/[%,:!]/g, (letter) => encodeURIComponent(letter).replace("!", "%21"));
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
