/** A list that the server cuts. Enters: a path and what is asked. Leaves: all pages read so far, and the way to more. */

import { useInfiniteQuery } from "@tanstack/react-query";

import { get, type Params, type Problem } from "../api/client";

export function usePaged<T extends { next: string | null }>(path: string, params: Params = {}) {
  return useInfiniteQuery<T, Problem, T[], readonly unknown[], string | null>({
    queryKey: ["paged", path, params],
    queryFn: ({ pageParam, signal }) => get<T>(path, { ...params, after: pageParam }, signal),
    initialPageParam: null,
    getNextPageParam: (last) => last.next,
    select: (data) => data.pages,
  });
}
