/** Talks to the API. Enters: a method, a path, what is asked. Leaves: the answer, or a Problem that says what to do.
 *
 * Answers are kept and asked for again by the browser itself (ETag), so nothing here keeps any. */

import type { ProblemBody } from "./types";

export const ROOT = "/api/v1";

export type Param = string | number | boolean | null | undefined | readonly string[];
export type Params = Readonly<Record<string, Param>>;

/** Why there is no answer: RFC 9457 as the server says it, or the browser's own reason with status 0. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly type: string;
  readonly permission: string | undefined;
  readonly roles: string[] | undefined;

  constructor(body: ProblemBody) {
    super(body.detail ?? body.title ?? "Unknown problem");
    this.name = "Problem";
    this.status = body.status ?? 0;
    this.title = body.title ?? "Something went wrong";
    this.detail = body.detail ?? "";
    this.type = body.type ?? "about:blank";
    this.permission = body.permission;
    this.roles = body.roles;
  }
}

let token: string | null = null;
const signedOut = new Set<() => void>();

/** The session's token, which every request that changes something carries. */
export function keepToken(csrf: string | null): void {
  token = csrf;
}

/** Calls when the server no longer knows who asks; gives back how to stop. */
export function onSignedOut(told: () => void): () => void {
  signedOut.add(told);
  return () => signedOut.delete(told);
}

/** Parameters as a query: lists are repeated, what is unset is left out. */
export function queryOf(params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === "") continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

export function get<T>(path: string, params?: Params, signal?: AbortSignal): Promise<T> {
  return ask<T>("GET", path + queryOf(params), undefined, signal);
}

export function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return ask<T>(method, path, body, signal);
}

async function ask<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && token) headers["X-CSRF-Token"] = token;
  const answer = await reached(ROOT + path, {
    method,
    headers,
    credentials: "same-origin",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  if (!answer.ok) throw await problemOf(answer, path);
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

async function reached(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    // Given up by the page itself, which no longer wants the answer.
    if (init.signal?.aborted) throw error;
    throw new Problem({
      status: 0,
      title: "Server not reached",
      detail: "The server did not answer; check that perunit serve runs and that you are online, then retry.",
    });
  }
}

async function problemOf(answer: Response, path: string): Promise<Problem> {
  const body = (await answer.json().catch(() => null)) as ProblemBody | null;
  // Signing in with a wrong password is 401 too, and ends no session.
  if (answer.status === 401 && !path.startsWith("/session")) for (const told of signedOut) told();
  return new Problem({
    title: answer.statusText || "Something went wrong",
    detail: `The server answered ${answer.status} without saying why; retry, and look into its log.`,
    ...body,
    status: answer.status,
  });
}
