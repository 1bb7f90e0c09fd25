import { useState, type FormEvent } from "react";

import { useAction, useApi, useSession } from "../../api/hooks";
import type { Account, RoleEntry, TicketAnswer } from "../../api/schema";
import { useView } from "../../app/state";
import { time } from "../../format";
import { Badge, Button, Copy, Dialog, ErrorState, Field, Panel, Query, Reasoned, Table, useToast } from "../../parts";
import { rowsOf, rowsText, type Rows } from "./rows";

type Opened = { what: "change" | "link" | "disable" | "enable" | "remove"; user: Account } | { what: "add" };

/** Who may sign in, and what as. */
export function Users() {
  const { tz } = useView();
  const me = useSession().data?.user?.id;
  const found = useApi<Account[]>("/users");
  const [opened, setOpened] = useState<Opened | null>(null);
  const close = () => setOpened(null);
  return (
    <Panel
      title="Users"
      note="Another role or other rows sign somebody out at once."
      actions={
        <Button kind="first" onClick={() => setOpened({ what: "add" })}>
          Add a user
        </Button>
      }
    >
      <Query of={found} height={240}>
        {(users) => (
          <Table
            caption="Users"
            columns={[
              {
                name: "name",
                title: "Name",
                head: true,
                cell: (row) => (row.id === me ? `${row.name} (you)` : row.name),
              },
              { name: "email", title: "E-mail", cell: (row) => row.email ?? "—" },
              { name: "role", title: "Role", cell: (row) => row.role },
              {
                name: "rows",
                title: "Sees only",
                cell: (row) => <span className="pu-wrap">{rowsText(row.rows) || "all rows"}</span>,
              },
              { name: "way", title: "Signs in by", cell: way },
              { name: "last", title: "Last signed in", cell: (row) => time(row.last_login_at, tz, "second") },
              {
                name: "state",
                title: "State",
                cell: (row) =>
                  row.disabled_at ? <Badge tone="bad">disabled</Badge> : <Badge tone="good">active</Badge>,
              },
              {
                name: "acts",
                title: <span className="pu-hidden">Change</span>,
                cell: (user) => (
                  <span className="pu-acts">
                    <Button onClick={() => setOpened({ what: "change", user })}>Change</Button>
                    <Button onClick={() => setOpened({ what: "link", user })} disabled={user.disabled_at !== null}>
                      Sign-in link
                    </Button>
                    <Button onClick={() => setOpened({ what: user.disabled_at ? "enable" : "disable", user })}>
                      {user.disabled_at ? "Enable" : "Disable"}
                    </Button>
                    <Button onClick={() => setOpened({ what: "remove", user })}>Remove</Button>
                  </span>
                ),
              },
            ]}
            rows={users}
            rowKey={(row) => String(row.id)}
          />
        )}
      </Query>
      {opened?.what === "add" ? <Edit user={null} onClose={close} /> : null}
      {opened?.what === "change" ? <Edit user={opened.user} onClose={close} /> : null}
      {opened?.what === "link" ? <SignInLink user={opened.user} onClose={close} /> : null}
      {opened?.what === "remove" ? <Remove user={opened.user} onClose={close} /> : null}
      {opened?.what === "disable" || opened?.what === "enable" ? (
        <Switch user={opened.user} disabled={opened.what === "disable"} onClose={close} />
      ) : null}
    </Panel>
  );
}

function way(user: Account): string {
  const ways = [user.has_password ? "password" : "", user.through_provider ? "provider" : ""].filter(Boolean);
  return ways.join(", ") || "link only";
}

function Edit({ user, onClose }: { user: Account | null; onClose: () => void }) {
  const roles = useApi<RoleEntry[]>("/roles");
  const [fault, setFault] = useState("");
  const say = useToast();
  const action = useAction<Account, Record<string, unknown>>(
    user ? "PATCH" : "POST",
    user ? `/users/${user.id}` : "/users",
  );
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = (name: string) => String(form.get(name) ?? "").trim();
    const rows: Rows | { fault: string } = rowsOf(said("rows"));
    const wrong = "fault" in rows && typeof rows.fault === "string" ? rows.fault : "";
    setFault(wrong);
    if (wrong) return;
    action.mutate(
      { ...(user ? {} : { name: said("name") }), role: said("role"), email: said("email") || null, rows },
      {
        onSuccess: (made) => {
          say(user ? `${made.name} is changed.` : `${made.name} has an account; make a sign-in link next.`);
          onClose();
        },
      },
    );
  };
  return (
    <Dialog open title={user ? `Change ${user.name}` : "Add a user"} onClose={onClose}>
      <form className="pu-form" onSubmit={submit}>
        {user ? null : (
          <Field label="Name">
            {(control) => <input {...control} name="name" required maxLength={200} data-first />}
          </Field>
        )}
        <Field label="E-mail" hint="Optional">
          {(control) => <input {...control} name="email" type="email" defaultValue={user?.email ?? ""} />}
        </Field>
        <Field
          label="Role"
          hint={user?.through_provider ? "Given by the provider's groups at the next sign-in." : null}
        >
          {(control) => (
            <select {...control} name="role" key={roles.data?.length ?? 0} defaultValue={user?.role ?? "viewer"}>
              {(roles.data ?? [{ name: user?.role ?? "viewer" }]).map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Field>
        <Field
          label="Sees only these rows"
          hint="A dimension each line, such as plan: pro, team. Empty: all."
          error={fault}
        >
          {(control) => <textarea {...control} name="rows" rows={3} defaultValue={rowsText(user?.rows ?? {})} />}
        </Field>
        {action.isError ? <ErrorState error={action.error} /> : null}
        <div className="pu-form-acts">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="first" disabled={action.isPending}>
            {user ? "Change" : "Add"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function SignInLink({ user, onClose }: { user: Account; onClose: () => void }) {
  const action = useAction<TicketAnswer, undefined>("POST", `/users/${user.id}/ticket`);
  return (
    <Dialog open title={`Sign-in link for ${user.name}`} onClose={onClose}>
      <div className="pu-form">
        {action.data ? (
          <>
            <p>
              Shown this once. It signs {user.name} in once, within {action.data.hours} hours; hand it over privately.
            </p>
            <pre className="pu-text" tabIndex={0} aria-label="The link">
              {action.data.url}
            </pre>
            <Copy text={action.data.url} label="Copy the link" />
          </>
        ) : (
          <>
            <p>Whoever has the link can sign in as {user.name} once, and choose a password.</p>
            {action.isError ? <ErrorState error={action.error} /> : null}
            <div className="pu-form-acts">
              <Button onClick={onClose}>Cancel</Button>
              <Button kind="first" disabled={action.isPending} onClick={() => action.mutate(undefined)}>
                Make the link
              </Button>
            </div>
          </>
        )}
      </div>
    </Dialog>
  );
}

function Switch({ user, disabled, onClose }: { user: Account; disabled: boolean; onClose: () => void }) {
  const action = useAction<Account, { disabled: boolean }>("PATCH", `/users/${user.id}`);
  return (
    <Reasoned
      title={`${disabled ? "Disable" : "Enable"} ${user.name}`}
      act={disabled ? "Disable" : "Enable"}
      danger={disabled}
      reason={false}
      action={action}
      body={() => ({ disabled })}
      onClose={onClose}
    >
      <p>{disabled ? "Their sessions end at once, and their keys stop." : "They may sign in again."}</p>
    </Reasoned>
  );
}

function Remove({ user, onClose }: { user: Account; onClose: () => void }) {
  const action = useAction<unknown, undefined>("DELETE", `/users/${user.id}`);
  const say = useToast();
  return (
    <Reasoned
      title={`Remove ${user.name}`}
      act="Remove for good"
      danger
      reason={false}
      action={action}
      body={() => undefined}
      onClose={onClose}
      onDone={() => say(`${user.name} is removed.`)}
    >
      <p>Their sessions end and their keys are revoked. What the audit log says of them stays.</p>
    </Reasoned>
  );
}
