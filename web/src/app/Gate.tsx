import { useEffect, type ReactNode } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";

import { keepToken, onSignedOut } from "../api/client";
import { SESSION_KEY, useApi, useSession } from "../api/hooks";
import type { Project } from "../api/types";
import { Stopped, Waiting } from "./Before";
import { ProjectContext, useGo } from "./state";

/** Lets in who is signed in, once it is known what is measured here; sends others to sign in, and back afterwards. */
export function Gate({ children }: { children: ReactNode }) {
  const session = useSession();
  const client = useQueryClient();
  const { history } = useRouter();
  const go = useGo();
  const known = session.data;
  const inside = known?.user != null;
  const project = useApi<Project>("/project", undefined, { enabled: inside });
  // Before any question of the page: requests that follow in this render carry it.
  if (known) keepToken(known.csrf_token);
  useEffect(() => onSignedOut(() => void client.invalidateQueries({ queryKey: SESSION_KEY })), [client]);
  useEffect(() => {
    if (!known || known.user) return;
    const { pathname, search } = history.location;
    const target = pathname + search;
    if (known.setup_required) go("/setup", true);
    else go(target === "/" ? "/login" : `/login?${new URLSearchParams({ to: target })}`, true);
  }, [known, history, go]);
  if (session.isError && !known) return <Stopped problem={session.error} onRetry={() => void session.refetch()} />;
  if (!inside) return <Waiting />;
  if (project.isError && !project.data)
    return <Stopped problem={project.error} onRetry={() => void project.refetch()} />;
  if (!project.data) return <Waiting />;
  return <ProjectContext value={project.data}>{children}</ProjectContext>;
}
