import type { ReactNode } from "react";

import { useApi, usePermissions } from "../api/hooks";

interface AllowedProps {
  needs: string;
  /** What it would do, for who may not: "Approving". */
  what: string;
  children: ReactNode;
}

/** A control for those who may; others read which permission it takes and which roles have it. */
export function Allowed({ needs, what, children }: AllowedProps) {
  const may = usePermissions().has(needs);
  const roles = useApi<{ name: string; permissions: string[] }[]>("/roles", undefined, { enabled: !may });
  if (may) return children;
  const having = (roles.data ?? []).filter(({ permissions }) => permissions.includes(needs)).map(({ name }) => name);
  return (
    <p className="pu-hint pu-needed">
      {what} needs <code>{needs}</code>
      {having.length ? `, which ${having.join(", ")} have` : ""}.
    </p>
  );
}
