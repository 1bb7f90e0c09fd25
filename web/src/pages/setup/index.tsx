import { useEffect, useState, type FormEvent } from "react";
import { useRouter } from "@tanstack/react-router";

import { useSession } from "../../api/hooks";
import { Stopped, Waiting } from "../../app/Before";
import { useGo } from "../../app/state";
import { Button, ErrorState, Field } from "../../parts";
import { useEntering } from "../login/entering";
import "../login/login.css";

/** Makes the first account, an administrator's, with the token that `perunit serve` printed. */
export default function Setup() {
  const session = useSession();
  const { history } = useRouter();
  const go = useGo();
  const [token] = useState(() => new URLSearchParams(history.location.search).get("token") ?? "");
  const [apart, setApart] = useState(false);
  const enter = useEntering<{ token: string; name: string; password: string }>("/setup", () => go("/", true));
  const known = session.data;
  useEffect(() => {
    document.title = "Set up · perunit";
    if (token) history.replace("/setup"); // What signs in does not stay in the address.
  }, [token, history]);
  useEffect(() => {
    if (known && !known.setup_required && !enter.isSuccess) go("/login", true);
  }, [known, enter.isSuccess, go]);
  if (session.isError && !known) return <Stopped problem={session.error} onRetry={() => void session.refetch()} />;
  if (!known) return <Waiting />;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const said = (name: string) => String(form.get(name) ?? "");
    setApart(said("password") !== said("again"));
    if (said("password") === said("again"))
      enter.mutate({ token: said("token").trim(), name: said("name").trim(), password: said("password") });
  };
  return (
    <main className="pu-door">
      <h1>Set up perunit</h1>
      <p>Nobody has an account yet. The first one is an administrator's, who lets in everybody else.</p>
      <form className="pu-form" onSubmit={submit}>
        <Field label="Set-up token" hint="In the link that perunit serve printed when it started.">
          {(control) => <input {...control} name="token" defaultValue={token} autoComplete="off" required />}
        </Field>
        <Field label="Name">
          {(control) => <input {...control} name="name" autoComplete="username" required autoFocus />}
        </Field>
        <Field label="Password">
          {(control) => <input {...control} name="password" type="password" autoComplete="new-password" required />}
        </Field>
        <Field label="Password again" error={apart ? "The two differ; type the same twice." : null}>
          {(control) => <input {...control} name="again" type="password" autoComplete="new-password" required />}
        </Field>
        {enter.isError ? <ErrorState error={enter.error} /> : null}
        <div className="pu-form-acts">
          <Button type="submit" kind="first" disabled={enter.isPending}>
            Make the account
          </Button>
        </div>
      </form>
    </main>
  );
}
