import { useEffect, useRef, useState, type FormEvent } from "react";
import { useRouter } from "@tanstack/react-router";

import { ROOT } from "../../api/client";
import { useSession } from "../../api/hooks";
import { Stopped, Waiting } from "../../app/Before";
import { useGo } from "../../app/state";
import { Button, ErrorState, Field } from "../../parts";
import { useEntering } from "./entering";
import "./login.css";
import { Password } from "./Password";
import { targetOf } from "./target";

/** What the provider's way back says went wrong. */
const FAULTS: Record<string, string> = {
  state: "That sign-in was begun in another browser or too long ago; try again.",
  denied: "The provider did not let you in; try again, or ask an administrator.",
  provider: "The provider cannot be reached or is not set up; try again later, or sign in with a password.",
  role: "None of your groups has a role here; ask an administrator.",
  account: "Your account here is disabled or its name is taken; ask an administrator.",
  token: "What the provider said does not hold; try again, and tell an administrator if it stays so.",
};

/** Lets somebody in by password, through the provider, or with a link that is good once. */
export default function Login() {
  const session = useSession();
  const { history } = useRouter();
  const go = useGo();
  const [query] = useState(() => new URLSearchParams(history.location.search));
  const [choosing, setChoosing] = useState(false);
  const target = targetOf(query.get("to"));
  const enter = useEntering<{ name: string; password: string }>("/session", () => go(target, true));
  const byTicket = useTicket(query.get("ticket"), (hasPassword) =>
    hasPassword ? go(target, true) : setChoosing(true),
  );
  const known = session.data;
  const inside = known?.user != null;
  useEffect(() => {
    document.title = "Sign in · perunit";
  }, []);
  useEffect(() => {
    if (known?.setup_required) go("/setup", true);
    else if (inside && !choosing && !byTicket.isPending && !query.get("ticket")) go(target, true);
  }, [known, inside, choosing, byTicket.isPending, query, target, go]);
  if (session.isError && !known) return <Stopped problem={session.error} onRetry={() => void session.refetch()} />;
  if (!known || byTicket.isPending) return <Waiting />;
  if (choosing)
    return (
      <main className="pu-door">
        <h1>Choose a password</h1>
        <p>The link is used up. Next time you sign in with your name, {known.user?.name}, and this password.</p>
        <Password current={false} onDone={() => go(target, true)} />
        <Button kind="quiet" onClick={() => go(target, true)}>
          Not now
        </Button>
      </main>
    );
  const fault = query.get("error");
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    enter.mutate({ name: String(form.get("name")).trim(), password: String(form.get("password")) });
  };
  return (
    <main className="pu-door">
      <h1>Sign in to perunit</h1>
      {fault ? <ErrorState error={{ title: "Not signed in", detail: FAULTS[fault] ?? FAULTS["token"]! }} /> : null}
      {byTicket.isError ? <ErrorState error={byTicket.error} /> : null}
      {known.oidc ? (
        <>
          <a className="pu-button" href={`${ROOT}/oidc/start?${new URLSearchParams({ return_to: target })}`}>
            Sign in with {known.oidc.name}
          </a>
          <p className="pu-door-or">or with a password</p>
        </>
      ) : null}
      <form className="pu-form" onSubmit={submit}>
        <Field label="Name">
          {(control) => <input {...control} name="name" autoComplete="username" required autoFocus />}
        </Field>
        <Field label="Password" hint="Forgotten? An administrator can make you a link that signs in once.">
          {(control) => <input {...control} name="password" type="password" autoComplete="current-password" required />}
        </Field>
        {enter.isError ? <ErrorState error={enter.error} /> : null}
        <div className="pu-form-acts">
          <Button type="submit" kind="first" disabled={enter.isPending}>
            {enter.isPending ? "Signing in…" : "Sign in"}
          </Button>
        </div>
      </form>
    </main>
  );
}

/** Uses a link once, and takes it out of the address first: it is good for nothing there but being seen. */
function useTicket(ticket: string | null, onIn: (hasPassword: boolean) => void) {
  const enter = useEntering<{ ticket: string }>("/session/ticket", (session) => onIn(session.has_password !== false));
  const { history } = useRouter();
  const used = useRef(false);
  const { mutate } = enter;
  useEffect(() => {
    if (!ticket || used.current) return;
    used.current = true;
    const at = new URLSearchParams(history.location.search);
    at.delete("ticket");
    history.replace(`/login${at.size ? `?${at}` : ""}`);
    mutate({ ticket });
  }, [ticket, history, mutate]);
  return enter;
}
