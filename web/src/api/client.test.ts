import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { get, keepToken, onSignedOut, Problem, queryOf, send } from "./client";
import { exportAddress, paramsOf } from "./questions";

const asked: [string, RequestInit][] = [];
let answer: () => Response;

beforeEach(() => {
  asked.length = 0;
  keepToken(null);
  answer = () => Response.json({ ok: true });
  // The network is the one part that a unit test cannot have.
  vi.stubGlobal("fetch", async (address: string, init: RequestInit) => {
    asked.push([address, init]);
    init.signal?.throwIfAborted();
    return answer();
  });
});

afterEach(() => vi.unstubAllGlobals());

const headers = () => asked[0]![1].headers as Record<string, string>;
const problem = (status: number, body: object) => () =>
  Response.json(body, { status, headers: { "Content-Type": "application/problem+json" } });

describe("a question", () => {
  it("repeats lists, leaves out what is unset and encodes the rest", () => {
    expect(queryOf({ filter: ["plan:a b", "region!:é"], from: "", to: null, limit: 0 })).toBe(
      "?filter=plan%3Aa+b&filter=region%21%3A%C3%A9&limit=0",
    );
    expect(queryOf()).toBe("");
  });

  it("carries no token, which only changes need", async () => {
    keepToken("secret");
    await get("/project", { a: "b" });
    expect(asked[0]![0]).toBe("/api/v1/project?a=b");
    expect(headers()).not.toHaveProperty("X-CSRF-Token");
  });

  it("has the same names as GET takes, and a file holds all rows", () => {
    const question = { measures: ["revenue", "units"], by: ["plan"], filters: ["a:b"], limit: 5, points_max: 10 };
    expect(paramsOf(question)).toMatchObject({ measure: ["revenue", "units"], filter: ["a:b"], by: ["plan"] });
    expect(exportAddress(question, "csv")).toBe(
      "/api/v1/export?measure=revenue&measure=units&by=plan&filter=a%3Ab&format=csv",
    );
  });
});

describe("a change", () => {
  it("carries the session's token", async () => {
    keepToken("secret");
    await send("POST", "/views", { name: "x" });
    expect(headers()).toMatchObject({ "X-CSRF-Token": "secret", "Content-Type": "application/json" });
    expect(asked[0]![1].body).toBe('{"name":"x"}');
  });

  it("may have no answer", async () => {
    answer = () => new Response(null, { status: 204 });
    expect(await send("DELETE", "/views/1")).toBeUndefined();
  });
});

describe("a problem", () => {
  it("says what the server said", async () => {
    answer = problem(403, { title: "Not allowed", detail: "needs x", permission: "x", roles: ["finance"] });
    const error = await get("/prices").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ status: 403, title: "Not allowed", permission: "x", roles: ["finance"] });
  });

  it("says so much where a proxy answers without one", async () => {
    answer = () => new Response("<html>bad gateway</html>", { status: 502, statusText: "Bad Gateway" });
    await expect(get("/prices")).rejects.toMatchObject({ status: 502, title: "Bad Gateway" });
  });

  it("is told apart from a server that is away, and from being given up", async () => {
    answer = () => {
      throw new TypeError("Failed to fetch");
    };
    await expect(get("/prices")).rejects.toMatchObject({ status: 0, title: "Server not reached" });
    const giving = new AbortController();
    giving.abort();
    await expect(get("/prices", {}, giving.signal)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("ends the session when nobody is known any more, but not when a password is wrong", async () => {
    const told = vi.fn();
    const stop = onSignedOut(told);
    answer = problem(401, { title: "Sign in" });
    await expect(send("POST", "/session", {})).rejects.toBeInstanceOf(Problem);
    expect(told).not.toHaveBeenCalled();
    await expect(get("/project")).rejects.toBeInstanceOf(Problem);
    expect(told).toHaveBeenCalledOnce();
    stop();
    await expect(get("/project")).rejects.toBeInstanceOf(Problem);
    expect(told).toHaveBeenCalledOnce();
  });
});
