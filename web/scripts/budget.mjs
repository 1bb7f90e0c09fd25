// Fails when a build is heavier than its budget. Enters: a folder of a build. Leaves: what each page's first visit
// costs, gzipped; status 1 where it is too much. `npm run budget [folder]`.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const KB = 1000;
const BUDGETS = { initial: 190 * KB, route: 40 * KB, total: 350 * KB, css: 15 * KB, unpacked: 1_500 * KB };

const folder = process.argv[2] ?? fileURLToPath(new URL("../../src/perunit/ui", import.meta.url));
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const weights = new Map(files.map((path) => [path.slice(folder.length + 1), weigh(path)]));
if (!weights.has("index.html")) fail(`budget: no build in ${folder}, must have an index.html; run npm run build`);

const page = readFileSync(join(folder, "index.html"), "utf8");
const named = [...page.matchAll(/(?:src|href)="\/([^"]+\.(?:js|css))"/g)].map(([, path]) => path);
const first = closure(named.filter((path) => path.endsWith(".js")));
const scripts = [...weights.keys()].filter((path) => path.endsWith(".js"));
const styles = [...weights.keys()].filter((path) => path.endsWith(".css"));
const lines = [
  line("first page, JS", sum(first), BUDGETS.initial),
  // What a page adds: itself, and what it takes in that the first page has not.
  ...scripts
    .filter((path) => !first.has(path))
    .map((path) => line(path, sum([...closure([path])].filter((each) => !first.has(each))), BUDGETS.route)),
  line("all JS", sum(scripts), BUDGETS.total),
  line("all CSS", sum(styles), BUDGETS.css),
  line(
    "whole, not gzipped",
    [...weights.values()].reduce((all, { raw }) => all + raw, 0),
    BUDGETS.unpacked,
  ),
];
console.log(lines.map(({ text }) => text).join("\n"));
if (lines.some(({ over }) => over))
  fail("budget: a build must stay within its budgets; split what is heavy, or say why it may grow");

function weigh(path) {
  const bytes = readFileSync(path);
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}

/** Scripts with all that they import at once. */
function closure(paths) {
  const seen = new Set();
  const left = [...paths];
  while (left.length > 0) {
    const path = left.pop();
    if (seen.has(path) || !weights.has(path)) continue;
    seen.add(path);
    const text = readFileSync(join(folder, path), "utf8");
    const found = [...text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)].map(([, name]) => name);
    left.push(...found.map((name) => `assets/${name}`));
  }
  return seen;
}

function sum(paths) {
  return [...paths].reduce((all, path) => all + weights.get(path).gzip, 0);
}

function line(name, bytes, budget) {
  const over = bytes > budget;
  const kb = (amount) => (amount / KB).toFixed(1).padStart(8);
  return { over, text: `${over ? "OVER" : "ok  "} ${kb(bytes)} of ${kb(budget)} KB  ${name}` };
}

function fail(why) {
  console.error(why);
  process.exit(1);
}
