import { useApi } from "../../api/hooks";
import { Link } from "../../app/Link";
import { useLinkTo, useView } from "../../app/state";
import { Panel, Query } from "../../parts";
import { FailureTable } from "../debug/FailureTable";
import type { Failures } from "../../api/schema";

/** Who was hit last; all of them are in Debug. */
export function Impacted() {
  const view = useView();
  const linkTo = useLinkTo();
  const failures = useApi<Failures>("/failures", {
    unit: view.unit,
    from: view.from,
    to: view.to,
    filter: view.filters,
    limit: 8,
  });
  return (
    <Panel
      title="Impacted units"
      note="The latest failed attempts"
      tour="impacted"
      actions={<Link href={linkTo("/debug")}>All in Debug</Link>}
    >
      <Query of={failures} height={240}>
        {(page) => <FailureTable failures={page.failures} tz={view.tz} />}
      </Query>
    </Panel>
  );
}
