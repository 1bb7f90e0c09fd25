/** Asks the API from components. Enters: what is to be shown. Leaves: the answer, kept while the next is fetched. */

import {
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";

import { get, Problem, send, type Params } from "./client";
import type { Question, Result, Session } from "./types";

export const SESSION_KEY = ["session"] as const;

interface Asking {
  /** Only asks while true. */
  enabled?: boolean;
  /** Keeps the last answer of the same path while the next comes; true unless told. */
  keep?: boolean;
}

/** The answer of GET `path`. Old data stays while parameters change, so that a page does not jump. */
export function useApi<T>(path: string, params?: Params, asking: Asking = {}): UseQueryResult<T, Problem> {
  return useQuery<T, Problem>({
    queryKey: ["api", path, params ?? {}],
    queryFn: ({ signal }) => get<T>(path, params, signal),
    enabled: asking.enabled ?? true,
    placeholderData: (before, query) => (asking.keep !== false && query?.queryKey[1] === path ? before : undefined),
  });
}

/** Answers to several questions in one round trip, in their order. One that is refused carries its `problem`. */
export function useFigures(questions: readonly Question[], asking: Asking = {}): UseQueryResult<Result[], Problem> {
  return useQuery<Result[], Problem>({
    queryKey: ["figures", questions],
    queryFn: async ({ signal }) =>
      (await send<{ results: Result[] }>("POST", "/queries", { queries: questions }, signal)).results,
    enabled: (asking.enabled ?? true) && questions.length > 0,
    placeholderData: (before) => (asking.keep !== false && before?.length === questions.length ? before : undefined),
  });
}

/** Changes something; whatever is shown is asked for again afterwards. `path` may depend on what is sent. */
export function useAction<T = unknown, B = unknown>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string | ((body: B) => string),
): UseMutationResult<T, Problem, B> {
  const client = useQueryClient();
  return useMutation<T, Problem, B>({
    mutationFn: (body) => send<T>(method, typeof path === "string" ? path : path(body), body),
    onSuccess: () => client.invalidateQueries(),
  });
}

/** Who is signed in, and what they may. */
export function useSession(): UseQueryResult<Session, Problem> {
  return useQuery<Session, Problem>({
    queryKey: SESSION_KEY,
    queryFn: ({ signal }) => get<Session>("/session", undefined, signal),
    staleTime: 300_000,
  });
}

/** Names of what the viewer may do, such as `measures:financial`; the server decides all the same. */
export function usePermissions(): ReadonlySet<string> {
  return new Set(useSession().data?.permissions ?? []);
}
