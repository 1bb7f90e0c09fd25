import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { act, cleanup, configure, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { makeRouter } from "./router";

// Pages come when they are first opened; a busy machine takes a while.
configure({ asyncUtilTimeout: 15_000 });

const PERMISSIONS = ["measures:financial", "measures:operational", "prices:read", "figures:export"];
const SESSION = {
  user: { id: 1, name: "ada", email: null, role: "product" },
  permissions: PERMISSIONS,
  rows: {},
  csrf_token: "t",
  setup_required: false,
  oidc: null,
  demo: true,
  version: "0",
};
const PROJECT = {
  name: "studio",
  currency: "USD",
  currencies: ["USD"],
  demo: true,
  units: [
    { name: "order", segments: ["region"] },
    { name: "user", segments: [] },
  ],
  dimensions: [{ name: "region", values: ["eu", "us"], truncated: false }],
  grains: ["minute", "hour", "day", "month", "total"],
  freshness: { latest_event: null, ingested_at: null, batch_id: null, lag_seconds: null },
  data: { first_event: null, latest_event: null },
  status: "mixed",
};
const STORY = {
  id: "one",
  title: "A story",
  intro: "Why",
  steps: [
    { title: "First", text: "Look here.", link: "/executive?f=region:eu", highlight: "range" },
    { title: "Second", text: "And here.", link: "/executive?f=region:us", highlight: null },
  ],
};

let answers: Record<string, () => Response>;

beforeEach(() => {
  localStorage.clear();
  answers = {
    "/session": () => Response.json(SESSION),
    "/project": () => Response.json(PROJECT),
    "/queries": () => Response.json({ results: [] }),
    "/annotations": () => Response.json({ annotations: [] }),
    "/tour": () => Response.json({ stories: [STORY] }),
  };
  // The network and what jsdom lacks of a browser; all else is what people use.
  vi.stubGlobal("fetch", async (address: string) => {
    const path = address.replace("/api/v1", "").split("?")[0]!;
    return answers[path]?.() ?? Response.json({ title: "Not Found" }, { status: 404 });
  });
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
  vi.stubGlobal("scrollTo", () => {});
  HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
    this.setAttribute("open", "");
  };
  Element.prototype.scrollIntoView = () => {};
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function open(at: string) {
  const history = createMemoryHistory({ initialEntries: [at] });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <RouterProvider router={makeRouter(history)} />
    </QueryClientProvider>,
  );
  return { history, client };
}

const where = (history: { location: { pathname: string; search: string } }) =>
  history.location.pathname + history.location.search;

describe("the gate", () => {
  it("sends who is not signed in to sign in, and keeps where they wanted to go", async () => {
    answers["/session"] = () => Response.json({ ...SESSION, user: null });
    const { history } = await open("/executive?f=plan:42&range=7d");
    await waitFor(() => expect(history.location.pathname).toBe("/login"));
    expect(new URLSearchParams(history.location.search).get("to")).toBe("/executive?f=plan:42&range=7d");
  });

  it("sends the first of all to set up", async () => {
    answers["/session"] = () => Response.json({ ...SESSION, user: null, setup_required: true });
    const { history } = await open("/");
    await waitFor(() => expect(history.location.pathname).toBe("/setup"));
  });

  it("sends to sign in whoever is no longer known in the middle of work", async () => {
    const { history, client } = await open("/executive?range=7d");
    await screen.findByRole("heading", { level: 1, name: "Executive" });
    answers["/session"] = () => Response.json({ ...SESSION, user: null });
    answers["/annotations"] = () => Response.json({ title: "Sign in" }, { status: 401 });
    await act(() => client.invalidateQueries({ queryKey: ["api", "/annotations"] }));
    await waitFor(() => expect(where(history)).toBe("/login?to=%2Fexecutive%3Frange%3D7d"));
  });

  it("says why nothing can be shown, and tries again", async () => {
    answers["/project"] = () => Response.json({ title: "Too busy", detail: "retry soon" }, { status: 503 });
    await open("/executive");
    expect(await screen.findByRole("heading", { name: "Too busy" })).toBeTruthy();
    answers["/project"] = () => Response.json(PROJECT);
    fireEvent.click(screen.getByRole("button", { name: "Retry" }));
    await screen.findByRole("heading", { level: 1, name: "Executive" });
  });

  it("begins where the role works", async () => {
    answers["/session"] = () => Response.json({ ...SESSION, user: { ...SESSION.user, role: "oncall" } });
    const { history } = await open("/");
    await waitFor(() => expect(history.location.pathname).toBe("/oncall"));
  });
});

describe("the shell", () => {
  it("links to the pages that the viewer may see, with what is looked at", async () => {
    await open("/executive?range=7d&f=region:eu&by=region");
    const pages = within(await screen.findByRole("navigation", { name: "Pages" }));
    expect(pages.getByRole("link", { name: "Price books" }).getAttribute("href")).toBe("/prices?range=7d&f=region:eu");
    expect(pages.getByRole("link", { name: "Executive" }).getAttribute("aria-current")).toBe("page");
    expect(pages.queryByRole("link", { name: "Admin" })).toBeNull();
  });

  it("puts what is chosen into the address, each choice one step back", async () => {
    const { history } = await open("/executive?f=region:eu");
    fireEvent.click(await screen.findByRole("button", { name: /^Time range/ }));
    fireEvent.click(screen.getByRole("button", { name: "Last 7 days" }));
    await waitFor(() => expect(where(history)).toBe("/executive?f=region:eu&range=7d"));
    fireEvent.change(screen.getByLabelText("Unit"), { target: { value: "user" } });
    await waitFor(() => expect(where(history)).toBe("/executive?f=region:eu&range=7d&unit=user"));
    fireEvent.click(screen.getByRole("button", { name: "region is eu" }));
    await waitFor(() => expect(where(history)).toBe("/executive?range=7d&unit=user&f=region!:eu"));
    act(() => history.back());
    await waitFor(() => expect(where(history)).toBe("/executive?f=region:eu&range=7d&unit=user"));
  });

  it("obeys keys, and not the single ones once they are off", async () => {
    const { history } = await open("/executive?range=7d");
    await screen.findByRole("heading", { level: 1, name: "Executive" });
    fireEvent.keyDown(document.body, { key: "?" });
    fireEvent.click(await screen.findByRole("checkbox", { name: /^Keys without/ }));
    fireEvent.click(screen.getByRole("button", { name: "Close" }));
    fireEvent.keyDown(document.body, { key: "?" });
    fireEvent.keyDown(document.body, { key: "g" });
    fireEvent.keyDown(document.body, { key: "c" });
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(where(history)).toBe("/executive?range=7d");
    expect(localStorage.getItem("perunit.shortcuts")).toBe("off");
    fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
    const find = await screen.findByRole("combobox", { name: "Find" });
    fireEvent.change(find, { target: { value: "region us" } });
    fireEvent.keyDown(find, { key: "Enter" });
    await waitFor(() => expect(where(history)).toBe("/executive?range=7d&f=region:us"));
  });

  it("leads through the tour, frames what it speaks of, and goes on where it was left", async () => {
    const { history } = await open("/executive");
    fireEvent.click(await screen.findByRole("button", { name: "Tour" }));
    fireEvent.click(await screen.findByRole("button", { name: /^A story/ }));
    await waitFor(() => expect(where(history)).toBe("/executive?f=region:eu"));
    expect(document.querySelector(".pu-toured")?.getAttribute("data-tour")).toBe("range");
    expect(document.activeElement?.textContent).toBe("First");
    fireEvent.click(screen.getByRole("button", { name: "Next" }));
    await waitFor(() => expect(where(history)).toBe("/executive?f=region:us"));
    fireEvent.keyDown(screen.getByRole("dialog", { name: "Second" }), { key: "Escape" });
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(document.querySelector(".pu-toured")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Tour" }));
    expect(await screen.findByRole("dialog", { name: "Second" })).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Finish" }));
    expect(await screen.findByText("Seen")).toBeTruthy();
  });
});
