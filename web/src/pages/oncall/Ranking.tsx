import { useFigures } from "../../api/hooks";
import type { Row } from "../../api/types";
import { withFilter } from "../../app/filters";
import { useParam, useProject, useView } from "../../app/state";
import { Bars } from "../../charts";
import { count, drawn, money, ratio } from "../../format";
import { Panel, Select, Shown } from "../../parts";
import { amount, minutesOf, perMinute, type Answer } from "../answers";

/** Where it is lost: segments by what each loses a minute. Choosing one filters the page by it. */
export function Ranking() {
  const view = useView();
  const project = useProject();
  const own = project.units.find(({ name }) => name === view.unit)?.segments ?? [];
  const dimensions = own.length ? own : project.dimensions.map(({ name }) => name);
  const [chosen, setChosen] = useParam("by", dimensions[0] ?? "");
  const figures = useFigures(
    [
      {
        ...view.question,
        measures: ["revenue_loss", "failures", "success_rate"],
        compare: "off",
        by: [chosen],
        order: ["-revenue_loss"],
        limit: 12,
      },
    ],
    { enabled: chosen !== "" },
  );
  return (
    <Panel
      title="Loss per minute by segment"
      note="The greatest first, over the range; choose one to filter by it"
      className="pu-half"
      tour="losing-segments"
      actions={
        <Select
          label="By"
          value={chosen}
          options={dimensions.map((name) => [name, name] as const)}
          onChange={setChosen}
        />
      }
    >
      <Shown of={figures} at={0} height={260}>
        {(answer) => (
          <Bars
            title={`Revenue lost per minute by ${chosen}`}
            rows={answer.rows.map((row) => barOf(row, chosen, answer))}
            onPick={({ key }) =>
              view.set({ filters: withFilter(view.filters, { dimension: chosen, exclude: false, values: [key] }) })
            }
          />
        )}
      </Shown>
    </Panel>
  );
}

function barOf(row: Row, dimension: string, answer: Answer) {
  const name = row[dimension] === null || row[dimension] === undefined ? "" : String(row[dimension]);
  const minutes = minutesOf(answer.window);
  const loss = amount(row["revenue_loss"]);
  const each = minutes ? perMinute(loss, minutes) : loss;
  const failed = count(amount(row["failures"]));
  const rate = ratio(amount(row["success_rate"]));
  return {
    key: name,
    label: name || "unknown",
    value: each,
    shown: `${money(each, answer.currency)} / min`,
    tone: (drawn(each) ?? 0) > 0 ? ("bad" as const) : ("flat" as const),
    extra: (
      <small className="pu-oncall-beside">
        {failed} failed · {rate} succeed
      </small>
    ),
    title: `${name || "unknown"}: ${money(loss, answer.currency)} lost in all, ${failed} failures, success rate ${rate}`,
  };
}
