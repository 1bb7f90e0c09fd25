/** Signing in. Enters: what is sent. Leaves: a session that the pages know of, and its token. */

import { useMutation, useQueryClient, type UseMutationResult } from "@tanstack/react-query";

import { keepToken, send, type Problem } from "../../api/client";
import { SESSION_KEY } from "../../api/hooks";
import type { Session } from "../../api/types";

export function useEntering<B>(path: string, onIn: (session: Session) => void): UseMutationResult<Session, Problem, B> {
  const client = useQueryClient();
  return useMutation<Session, Problem, B>({
    mutationFn: (body) => send<Session>("POST", path, body),
    onSuccess: (session) => {
      // What somebody else was shown in this browser is not shown to who comes now.
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
      keepToken(session.csrf_token);
      client.setQueryData(SESSION_KEY, session);
      onIn(session);
    },
  });
}
