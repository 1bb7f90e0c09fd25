/** The query of a link. Enters: its text. Leaves: strings, whatever they look like, and lists where a name repeats.
 *
 * The router's own way reads `42` as a number and writes it back quoted; a segment named 42 would change on the way. */

export type Search = Record<string, string | string[]>;

export function parseSearch(text: string): Search {
  const search: Search = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const before = search[name];
    search[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return search;
}

export function stringifySearch(search: Record<string, unknown>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  return said(query);
}

/** The query with its question mark, or nothing. Colons and commas, of which filters are made, stay readable. */
export function said(query: URLSearchParams): string {
  const text = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%21", "!");
  return text ? `?${text}` : "";
}
