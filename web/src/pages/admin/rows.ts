/** Row restrictions as typed. Enters: lines such as `plan: pro, team`. Leaves: dimension → values, or the line at fault. */

export type Rows = Record<string, string[]>;

export function rowsOf(text: string): Rows | { fault: string } {
  const rows: Rows = {};
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    const [name, ...rest] = line.split(":");
    const values = rest.join(":").split(",").map((value) => value.trim()).filter(Boolean); // prettier-ignore
    if (!name?.trim() || values.length === 0)
      return { fault: `“${line.trim()}” must be a dimension, a colon and values, such as plan: pro, team` };
    rows[name.trim()] = values;
  }
  return rows;
}

export function rowsText(rows: Rows): string {
  return Object.entries(rows)
    .map(([name, values]) => `${name}: ${values.join(", ")}`)
    .join("\n");
}
