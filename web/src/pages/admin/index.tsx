import { useApi, usePermissions } from "../../api/hooks";
import type { ContractTold, RoleEntry } from "../../api/schema";
import { useParam, useProject } from "../../app/state";
import { Allowed, Panel, Query, Table, Tabs } from "../../parts";
import { Audit } from "./Audit";
import { Keys } from "./Keys";
import { Users } from "./Users";

const TABS = [
  ["users", "Users"],
  ["roles", "Roles"],
  ["keys", "API keys"],
  ["audit", "Audit log"],
  ["settings", "Settings"],
] as const;

/** Who and which programs may what here, and what was done. */
export default function Admin() {
  const [tab, setTab] = useParam("tab", "users");
  return (
    <>
      <div className="pu-page-head">
        <h1>Admin</h1>
      </div>
      <Tabs label="What to administer" tabs={TABS} value={tab} onChange={setTab}>
        {tab === "users" ? (
          <Allowed needs="people:manage" what="Managing users">
            <Users />
          </Allowed>
        ) : null}
        {tab === "roles" ? <Roles /> : null}
        {tab === "keys" ? (
          <Allowed needs="keys:manage" what="Managing keys">
            <Keys />
          </Allowed>
        ) : null}
        {tab === "audit" ? (
          <Allowed needs="audit:read" what="Reading the audit log">
            <Audit />
          </Allowed>
        ) : null}
        {tab === "settings" ? <Settings /> : null}
      </Tabs>
    </>
  );
}

function Roles() {
  const found = useApi<RoleEntry[]>("/roles");
  const mine = usePermissions();
  return (
    <Panel title="Roles" note="What each may. Yours are marked.">
      <Query of={found} height={300}>
        {(roles) => {
          const all = [...new Set(roles.flatMap(({ permissions }) => permissions))].sort();
          return (
            <Table
              caption="Which role has which permission"
              columns={[
                {
                  name: "permission",
                  title: "Permission",
                  head: true,
                  cell: (row: string) => (
                    <>
                      <code>{row}</code> {mine.has(row) ? <span className="pu-hint">yours</span> : null}
                    </>
                  ),
                },
                ...roles.map((role) => ({
                  name: role.name,
                  title: role.name,
                  cell: (row: string) =>
                    role.permissions.includes(row) ? (
                      <>
                        <span aria-hidden="true">✓</span>
                        <span className="pu-hidden">yes</span>
                      </>
                    ) : (
                      <span className="pu-hidden">no</span>
                    ),
                })),
              ]}
              rows={all}
              rowKey={(row) => row}
            />
          );
        }}
      </Query>
    </Panel>
  );
}

/** Of the contract, what has to do with keeping and hiding. */
const SECTIONS = /^(retention|privacy|access|control|limits|sources|quality|live):/;

function Settings() {
  const project = useProject();
  const found = useApi<ContractTold>("/contract");
  return (
    <Panel title="Settings" note="As perunit.yaml has them; change them there and restart.">
      <dl className="pu-facts">
        <dt>Project</dt>
        <dd>{project.name}</dd>
        <dt>Version</dt>
        <dd>{project.version}</dd>
        <dt>Currencies</dt>
        <dd>{project.currencies.join(", ")}</dd>
        <dt>Sources</dt>
        <dd>{project.sources.join(", ") || "none named"}</dd>
        <dt>Pseudonymized</dt>
        <dd>{project.pseudonymized.join(", ") || "nothing"}</dd>
      </dl>
      <Query of={found}>
        {({ text }) => (
          <pre className="pu-text" tabIndex={0} aria-label="Settings of sources, retention and privacy">
            {sectionsOf(text) || "Nothing is set beside units, events and prices: all is as it is by default."}
          </pre>
        )}
      </Query>
    </Panel>
  );
}

/** The top-level sections that are settings, with their lines. */
export function sectionsOf(text: string): string {
  let within = false;
  return text
    .split("\n")
    .filter((line) => {
      if (/^\S/.test(line) && !line.startsWith("#")) within = SECTIONS.test(line);
      return within;
    })
    .join("\n")
    .trim();
}
