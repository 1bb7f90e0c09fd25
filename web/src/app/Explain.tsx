import { useState } from "react";

import { useApi } from "../api/hooks";
import type { Explained } from "../api/types";
import { count, quantity, ratio, time, value } from "../format";
import type { ToExplain } from "./explaining";
import { filterOf, filterSaid } from "./filters";
import { Link } from "./Link";
import { Sheet } from "./Sheet";
import { useLinkTo, useView } from "./state";
import { STATUSES } from "./status";

/** What one figure rests on: formula, parts, filters, facts, prices, freshness, reconciliation. Parts open in turn. */
export default function Explain({ what, onClose }: { what: ToExplain; onClose: () => void }) {
  const view = useView();
  const [trail, setTrail] = useState<readonly string[]>([what.measure]);
  const measure = trail.at(-1)!;
  const found = useApi<Explained>(
    "/explain",
    {
      measure,
      unit: what.unit ?? view.unit,
      from: what.window?.from ?? view.from,
      to: what.window?.to ?? view.to,
      filter: what.filters ?? view.filters,
      currency: what.currency ?? view.currency,
    },
    { keep: false },
  );
  const title = found.data?.measure.title ?? measure.replaceAll("_", " ");
  return (
    <Sheet title={title} onClose={onClose} side>
      {trail.length > 1 ? (
        <button type="button" className="pu-button pu-button-quiet" onClick={() => setTrail(trail.slice(0, -1))}>
          ← Back
        </button>
      ) : null}
      {found.isPending ? (
        <p role="status" aria-busy="true">
          Looking it up…
        </p>
      ) : found.isError ? (
        <div role="alert">
          <h3>{found.error.title}</h3>
          <p>{found.error.detail}</p>
          {found.error.roles ? <p>Roles that may: {found.error.roles.join(", ")}.</p> : null}
        </div>
      ) : (
        <Found found={found.data} tz={view.tz} onPart={(name) => setTrail([...trail, name])} />
      )}
    </Sheet>
  );
}

function Found({ found, tz, onPart }: { found: Explained; tz: string; onPart: (name: string) => void }) {
  const { measure, currency, window, freshness } = found;
  const status = STATUSES[found.status ?? ""];
  const linkTo = useLinkTo();
  return (
    <div className="pu-explain">
      <p className="pu-explain-value" title={String(found.value ?? "unknown")}>
        {value(found.value, measure.unit, currency)}
        {status ? <span className={`pu-badge pu-badge-${status.tone}`}>{status.word}</span> : null}
        {found.complete ? null : <span className="pu-badge pu-badge-warn">Incomplete</span>}
      </p>
      <p>{measure.doc}</p>
      <h3>Formula</h3>
      <p className="pu-explain-formula">{found.formula}</p>
      {found.parts.length > 0 ? (
        <table className="pu-explain-parts">
          <caption className="pu-hidden">Parts of the formula</caption>
          <thead className="pu-hidden">
            <tr>
              <th scope="col">Sign</th>
              <th scope="col">Part</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {found.parts.map((part) => (
              <tr key={part.sign + part.name}>
                <td>{{ "+": "+", "-": "−", "/": "÷" }[part.sign]}</td>
                <th scope="row">
                  {part.measure ? (
                    <button type="button" className="pu-link" onClick={() => onPart(part.name)}>
                      {part.title}
                    </button>
                  ) : (
                    part.title
                  )}
                </th>
                <td className="pu-number" title={String(part.value ?? "unknown")}>
                  {partValue(part.value, measure.unit, currency)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
      <h3>What it is made from</h3>
      <dl className="pu-facts">
        <dt>Window</dt>
        <dd>
          {window.start ? time(window.start, tz) : "the beginning"} – {window.end ? time(window.end, tz) : "now"}
        </dd>
        <dt>Filters</dt>
        <dd>{found.filters.length > 0 ? found.filters.map(worded).join("; ") : "none: everything that you may see"}</dd>
        <dt>Unit</dt>
        <dd>{found.unit}</dd>
        <dt>Facts</dt>
        <dd>{found.rows === null ? "not known" : `${count(found.rows)} accepted events`}</dd>
        <dt>Price books</dt>
        <dd>
          {found.price_books.length === 0
            ? "none in force"
            : found.price_books.map((book) => (
                <span key={`${book.book}@${book.version}`} className="pu-block">
                  <Link href={linkTo(`/prices/${encodeURIComponent(book.book)}`)}>
                    {book.book} version {book.version}
                  </Link>
                  {book.effective_from ? ` from ${time(book.effective_from, tz, "day")}` : ""}
                  {book.approved_by ? `, approved by ${book.approved_by}` : ""}
                </span>
              ))}
        </dd>
        <dt>Freshness</dt>
        <dd>
          {freshness.latest_event ? `facts until ${time(freshness.latest_event, tz)}` : "no facts yet"}
          {freshness.ingested_at ? `, taken in ${time(freshness.ingested_at, tz)}` : ""}
          {freshness.batch_id === null ? "" : ` (batch ${freshness.batch_id})`}
        </dd>
        <dt>Bills</dt>
        <dd>
          {found.reconciliation === null
            ? "none in this window"
            : `${found.reconciliation.status === "closed" ? "closed" : "open"}, reconciliation score ${ratio(found.reconciliation.score)}`}
        </dd>
        <dt>Owner</dt>
        <dd>{measure.owner}</dd>
      </dl>
      {found.notes.length > 0 ? (
        <>
          <h3>Notes</h3>
          <ul>
            {found.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </>
      ) : null}
    </div>
  );
}

// Parts of a sum are of its own kind; those of a ratio are amounts or counts, told apart by how they are written.
function partValue(part: string | number | null, unit: Explained["measure"]["unit"], currency: string): string {
  if (typeof part === "number") return count(part);
  return unit === "money" ? value(part, "money", currency) : quantity(part, "");
}

function worded(text: string): string {
  const filter = filterOf(text);
  return filter ? filterSaid(filter) : text;
}
