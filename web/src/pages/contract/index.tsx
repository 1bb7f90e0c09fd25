import { useApi } from "../../api/hooks";
import type { ContractTold, Glossary, MeasureListed } from "../../api/schema";
import { useParam } from "../../app/state";
import { Badge, Copy, Field, Panel, Query, Table, Tabs } from "../../parts";

/** What counts here as a unit, an event and a cost; which measures are made of them; what each word means. */
export default function ContractPage() {
  const [tab, setTab] = useParam("tab", "contract");
  return (
    <>
      <div className="pu-page-head">
        <h1>Contract</h1>
      </div>
      <Tabs
        label="What is told"
        tabs={[
          ["contract", "Contract"],
          ["measures", "Measures"],
          ["glossary", "Glossary"],
          ["text", "Text"],
        ]}
        value={tab}
        onChange={setTab}
      >
        {tab === "measures" ? <Measures /> : null}
        {tab === "glossary" ? <Words /> : null}
        {tab === "text" ? <Text /> : null}
        {tab === "contract" ? <Parts /> : null}
      </Tabs>
    </>
  );
}

type Entry = { name: string; told: Record<string, unknown> };

function entries(of: Record<string, unknown>): Entry[] {
  return Object.entries(of).map(([name, told]) => ({ name, told: (told ?? {}) as Record<string, unknown> }));
}

/** A value of the contract in words: lists with commas, pairs with colons; nothing where it is empty. */
export function spokenValue(value: unknown): string {
  if (value === null || value === undefined) return "—";
  if (Array.isArray(value)) return value.map(spokenValue).join(", ") || "—";
  if (typeof value === "object")
    return (
      Object.entries(value)
        .map(([name, each]) => `${name}: ${spokenValue(each)}`)
        .join("; ") || "—"
    );
  return String(value);
}

function Parts() {
  const found = useApi<ContractTold>("/contract");
  return (
    <Query of={found} height={400}>
      {(told) => (
        <div className="pu-grid">
          <Listed title="Units" of={entries(told.units)} shown={["owner", "key", "parent", "segments", "counted"]} />
          <Listed
            title="Events"
            of={entries(told.events)}
            shown={["unit", "usage", "segments", "amounts", "resource"]}
          />
          <div className="pu-half">
            <Listed title="Meters" of={entries(told.meters)} shown={["unit", "priced"]} />
          </div>
          <div className="pu-half">
            <Listed title="Sources" of={entries(told.sources)} shown={columnsOf(entries(told.sources))} />
          </div>
          <Listed
            title="Allocation rules"
            note="In order: the first that matches a line of a bill says who bears it."
            of={told.rules.map((rule, at) => ({ name: `${at + 1}. ${String(rule["name"] ?? "")}`, told: rule }))}
            shown={["match", "method", "unit", "key", "to", "idle"]}
          />
        </div>
      )}
    </Query>
  );
}

function columnsOf(of: Entry[]): string[] {
  return [...new Set(of.flatMap(({ told }) => Object.keys(told)))].slice(0, 6);
}

function Listed({ title, note, of, shown }: { title: string; note?: string; of: Entry[]; shown: string[] }) {
  return (
    <Panel title={title} note={note}>
      <Table
        caption={title}
        columns={[
          { name: "name", title: "Name", head: true, cell: (row: Entry) => row.name },
          ...shown.map((name) => ({
            name,
            title: name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " "),
            cell: (row: Entry) => <span className="pu-wrap">{spokenValue(row.told[name])}</span>,
          })),
        ]}
        rows={of}
        rowKey={(row) => row.name}
        empty="The contract names none."
      />
    </Panel>
  );
}

function Text() {
  const found = useApi<ContractTold>("/contract");
  return (
    <Panel title="perunit.yaml" note="What looks like a secret is hidden.">
      <Query of={found} height={400}>
        {({ text }) => (
          <>
            <p>
              <Copy text={text} label="Copy the text" />
            </p>
            <pre className="pu-text" tabIndex={0} aria-label="Text of the contract">
              {text}
            </pre>
          </>
        )}
      </Query>
    </Panel>
  );
}

function Search({ value, onChange, label }: { value: string; onChange: (value: string) => void; label: string }) {
  return (
    <Field label={label}>
      {(control) => (
        <input {...control} type="search" value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}

function has(text: string, sought: string): boolean {
  return text.toLowerCase().includes(sought.trim().toLowerCase());
}

function Measures() {
  const found = useApi<MeasureListed[]>("/measures");
  const [sought, setSought] = useParam("q");
  return (
    <Panel title="Measures" note="Each has one formula, one owner and one direction that is good.">
      <Search label="Find a measure" value={sought} onChange={setSought} />
      <Query of={found} height={400}>
        {(measures) => (
          <Table
            caption="Catalogue of measures"
            columns={[
              {
                name: "name",
                title: "Measure",
                head: true,
                cell: (row) => (
                  <>
                    {row.title}
                    <br />
                    <code>{row.name}</code>
                  </>
                ),
              },
              { name: "formula", title: "Formula", cell: (row) => <span className="pu-wrap">{row.formula}</span> },
              { name: "doc", title: "What it says", cell: (row) => <span className="pu-wrap">{row.doc}</span> },
              { name: "unit", title: "Unit", cell: (row) => row.unit },
              { name: "good", title: "Good", cell: (row) => (row.good === "none" ? "—" : row.good) },
              { name: "family", title: "Family", cell: (row) => row.family ?? "—" },
              { name: "owner", title: "Owner", cell: (row) => row.owner },
              { name: "seed", title: "Seed", cell: (row) => row.seed || "—" },
              {
                name: "allowed",
                title: "You",
                cell: (row) =>
                  row.allowed ? (
                    <Badge tone="good">may see it</Badge>
                  ) : (
                    <Badge title={`It needs measures:${row.family}`}>not for your role</Badge>
                  ),
              },
            ]}
            rows={measures.filter((row) =>
              has(`${row.name} ${row.title} ${row.formula} ${row.doc} ${row.owner}`, sought),
            )}
            rowKey={(row) => row.name}
            empty="No measure has these words."
          />
        )}
      </Query>
    </Panel>
  );
}

function Words() {
  const found = useApi<Glossary>("/glossary");
  const [sought, setSought] = useParam("q");
  return (
    <Panel title="Glossary" note="One word per thing, the same in code, figures and documentation.">
      <Search label="Find a word" value={sought} onChange={setSought} />
      <Query of={found} height={400}>
        {({ words }) => (
          <Table
            caption="Glossary"
            columns={[
              {
                name: "word",
                title: "Word",
                head: true,
                cell: (row) => <span className="pu-wrap">{row.words.join(", ")}</span>,
              },
              {
                name: "meaning",
                title: "Meaning",
                cell: (row) => <span className="pu-wrap pu-wide">{row.meaning}</span>,
              },
              {
                name: "where",
                title: "Where",
                cell: (row) => <span className="pu-wrap">{row.where.replaceAll("`", "")}</span>,
              },
            ]}
            rows={words.filter((row) => has(`${row.words.join(" ")} ${row.meaning}`, sought))}
            rowKey={(row) => row.words.join()}
            empty="No entry has these words."
          />
        )}
      </Query>
    </Panel>
  );
}
