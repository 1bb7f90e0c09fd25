import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";

import { Problem } from "../api/client";
import { makeRouter } from "./router";

const router = makeRouter();
const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 20_000,
      gcTime: 300_000,
      refetchOnWindowFocus: false,
      // A refusal stays one however often it is asked; a server that is away may be back.
      retry: (count, error) => count < 1 && error instanceof Problem && (error.status === 0 || error.status >= 502),
    },
  },
});

export function App() {
  return (
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
