/** Where somebody wanted to go before signing in: a path of this app, never another site. */
export function targetOf(to: string | null): string {
  return to !== null && /^\/(?![/\\])/.test(to) && !to.startsWith("/login") ? to : "/";
}
