import { useEffect, useMemo, useState } from "react";

import { useApi, usePermissions } from "../../api/hooks";
import { useView } from "../../app/state";
import type { Annotation } from "../../charts/annotations";
import { count } from "../../format";
import { Button, Empty, Panel, Query } from "../../parts";
import { Changes } from "../oncall/Changes";
import "../oncall/oncall.css";
import { LookUp } from "../units/LookUp";
import "./debug.css";
import { Diff } from "./Diff";
import { FailureTable } from "./FailureTable";
import { Health } from "./Health";
import { Periods } from "./Periods";
import type { Failures } from "../../api/schema";
import { Use } from "./Use";

/** Why something fails or costs more: failed attempts, the data's health, before and after a change, single units. */
export default function Debug() {
  const view = useView();
  const may = usePermissions();
  const lately = useApi<{ annotations: Annotation[] }>("/annotations", { from: dayBefore(view.from), to: view.to });
  const marks = useMemo(() => lately.data?.annotations ?? [], [lately.data]);
  return (
    <>
      <div className="pu-page-head">
        <h1>Debug</h1>
        <p className="pu-hint">Failed attempts, what changed before them, and whether the data can be trusted</p>
      </div>
      <div className="pu-grid">
        <Panel title="Look up a unit" note="From an id to its receipt" tour="lookup">
          <LookUp type={view.unit} />
        </Panel>
        <Failed />
        <Diff annotations={marks} />
        <Panel title="Recent changes" note="Deployments, flags and price changes" className="pu-third">
          {marks.length ? (
            <Changes annotations={marks} until={view.to} tz={view.tz} />
          ) : (
            <Empty title="Nothing noted">Releases noted by your deployment pipeline stand here.</Empty>
          )}
        </Panel>
        <Health annotations={marks} />
        {may.has("reconciliation:read") ? <Periods /> : null}
        <Use />
      </div>
    </>
  );
}

function Failed() {
  const view = useView();
  const [after, setAfter] = useState<string[]>([]);
  const asked = [view.unit, view.from, view.to, ...view.filters].join("\n");
  // Another question begins at its first page.
  useEffect(() => setAfter([]), [asked]);
  const failures = useApi<Failures>("/failures", {
    unit: view.unit,
    from: view.from,
    to: view.to,
    filter: view.filters,
    after: after.at(-1),
    limit: 20,
  });
  return (
    <Panel
      title="Failed attempts"
      note="The newest first, with the keys that join them to other systems and the segments that were joined to them"
      tour="failures"
    >
      <Query of={failures} height={420}>
        {(page) => (
          <div className="pu-debug-failures">
            <FailureTable failures={page.failures} tz={view.tz} whole />
            <div className="pu-debug-pages">
              <Button disabled={after.length === 0} onClick={() => setAfter(after.slice(0, -1))}>
                Newer
              </Button>
              <span>Page {count(after.length + 1)}</span>
              <Button disabled={!page.next} onClick={() => page.next && setAfter([...after, page.next])}>
                Older
              </Button>
            </div>
          </div>
        )}
      </Query>
    </Panel>
  );
}

function dayBefore(iso: string): string {
  return new Date(Date.parse(iso) - 86_400_000).toISOString();
}
