import { exactly, time, UNKNOWN } from "../../format";
import type { Receipt } from "./shape";
import { placesIn, sectionsOf, totalsOf, type Line } from "./till";

interface TillProps {
  receipt: Receipt;
  /** The unit's id as it may be shown. */
  id: string;
  tz: string;
}

/** The receipt as a till would print it. */
export function Till({ receipt, id, tz }: TillProps) {
  const places = placesIn(receipt);
  const show = (amount: string | null) => exactly(amount, places);
  return (
    <article className="pu-till" aria-label={`Receipt of ${receipt.unit_type} ${id}`}>
      <header className="pu-till-head">
        <div className="pu-till-brand">perunit</div>
        <h2>
          {receipt.unit_type} <span>{id}</span>
        </h2>
        <div>{time(receipt.opened_at, tz)}</div>
        {receipt.status ? <div className={`pu-till-stamp pu-till-${receipt.status}`}>{receipt.status}</div> : null}
      </header>
      <dl className="pu-till-facts">
        {Object.entries(receipt.segments).map(([name, value]) => (
          <Pair key={name} name={name} value={value ?? UNKNOWN} />
        ))}
        <Pair name="amounts in" value={receipt.currency} />
      </dl>
      {sectionsOf(receipt, tz).map((section) => (
        <section key={section.key} className="pu-till-section">
          <h3>
            <span>{section.title}</span>
            {section.aside ? <time>{section.aside}</time> : null}
          </h3>
          {section.lines.map((line) => (
            <Printed key={line.key} line={line} show={show} />
          ))}
        </section>
      ))}
      <dl className="pu-till-totals">
        {totalsOf(receipt).map(({ name, title, amount, strong }) => (
          <div key={name} className={strong ? "pu-till-strong" : undefined}>
            <dt>{title}</dt>
            <dd className={amount?.startsWith("-") && strong ? "pu-till-loss" : undefined}>
              {amount === null ? <span title="unknown">{UNKNOWN}</span> : show(amount)}
            </dd>
          </div>
        ))}
      </dl>
      {receipt.notes.length || receipt.unpriced ? (
        <ul className="pu-till-notes">
          {receipt.unpriced ? <li>{receipt.unpriced} usage lines have no price</li> : null}
          {receipt.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      ) : null}
    </article>
  );
}

function Pair({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Printed({ line, show }: { line: Line; show: (amount: string | null) => string }) {
  return (
    <div className={line.replaced ? "pu-till-line pu-till-replaced" : "pu-till-line"}>
      <span>{line.what}</span>
      <span className={line.word ? "pu-till-word" : undefined}>{line.word ?? show(line.amount)}</span>
      {line.how ? <small>{line.how}</small> : null}
    </div>
  );
}
