import { useApi } from "../../api/hooks";
import type { BridgeAnswer } from "../../api/types";
import { lessSaid } from "../../app/ranges";
import type { View } from "../../app/state";
import { Bridge } from "../../charts";
import { Empty, Panel, Query } from "../../parts";

/** How the margin of one period became that of the other, step by step and exact. */
export function MarginBridge({ view, dimension, against }: { view: View; dimension: string; against: string }) {
  const compared = view.compared !== null;
  const { compare, compare_from, compare_to, from, to, unit, currency, filters } = view.compared ?? view.question;
  const less = lessSaid(view.question.to!, to!);
  const bridge = useApi<BridgeAnswer>(
    "/bridge",
    { unit, from, to, filter: filters, compare, compare_from, compare_to, currency, mix: dimension },
    { enabled: compared },
  );
  return (
    <Panel
      title="Margin bridge"
      note={compared ? `Contribution margin, from ${against} to this one${less}; mix by ${dimension}` : undefined}
      tour="bridge"
    >
      {compared ? (
        <Query of={bridge} height={240}>
          {(data) => (
            <>
              <Bridge
                title="Margin bridge"
                before={data.before}
                after={data.after}
                steps={data.steps}
                currency={data.currency}
                beforeTitle="Before"
                afterTitle="Now"
              />
              <Notes notes={data.notes} />
            </>
          )}
        </Query>
      ) : (
        <Empty title="Nothing to compare with">
          Choose what to compare with above, and the steps between are shown.
        </Empty>
      )}
    </Panel>
  );
}

export function Notes({ notes }: { notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <ul className="pu-notes">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}
