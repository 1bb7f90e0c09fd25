/** Which page a path shows. Pages come when they are first opened. */

import { lazy, Suspense, type ComponentType } from "react";
import { createRootRoute, createRoute, createRouter, Outlet, type RouterHistory } from "@tanstack/react-router";

import { Waiting } from "./Before";
import { Crashed } from "./Crashed";
import { Gate } from "./Gate";
import { Home } from "./Home";
import { Missing, NotFound } from "./NotFound";
import { parseSearch, stringifySearch } from "./search";
import { Shell } from "./Shell";

// Each page's own folder says what it shows: `pages/<page>/index.tsx`, and further modules for further paths.
const modules = import.meta.glob<{ default: ComponentType }>("../pages/*/{index,receipt,book}.tsx");

/** Path → the module that shows it, and whether the shell (navigation, filters) is around it. */
const ROUTES: readonly [path: string, module: string, bare?: true][] = [
  ["/executive", "executive/index"],
  ["/oncall", "oncall/index"],
  ["/debug", "debug/index"],
  ["/units", "units/index"],
  ["/units/$type", "units/index"],
  ["/units/$type/$id", "units/receipt"],
  ["/reconciliation", "reconciliation/index"],
  ["/prices", "prices/index"],
  ["/prices/$book", "prices/book"],
  ["/quality", "quality/index"],
  ["/contract", "contract/index"],
  ["/admin", "admin/index"],
  ["/login", "login/index", true],
  ["/setup", "setup/index", true],
];

const root = createRootRoute({ notFoundComponent: NotFound });
const home = createRoute({ getParentRoute: () => root, path: "/", component: Home });
// One shell for all pages: it stays while pages change, and with it what is open in it.
const inside = createRoute({ getParentRoute: () => root, id: "inside", component: Inside });

function Inside() {
  return (
    <Gate>
      <Shell>
        <Outlet />
      </Shell>
    </Gate>
  );
}

function pageRoute(path: string, module: string, bare?: true) {
  const Page = pageOf(module);
  return createRoute({
    getParentRoute: () => (bare ? root : inside) as typeof root,
    path,
    component: () => (
      <Suspense fallback={<Waiting />}>
        <Page />
      </Suspense>
    ),
  });
}

function pageOf(module: string): ComponentType {
  const load = modules[`../pages/${module}.tsx`] ?? modules[`../pages/${module.split("/")[0]}/index.tsx`];
  return load ? lazy(load) : Missing;
}

export function makeRouter(history?: RouterHistory) {
  const bare = ROUTES.filter(([, , alone]) => alone).map((route) => pageRoute(...route));
  const others = ROUTES.filter(([, , alone]) => !alone).map((route) => pageRoute(...route));
  return createRouter({
    routeTree: root.addChildren([home, ...bare, inside.addChildren(others)]),
    parseSearch,
    stringifySearch,
    scrollRestoration: true,
    defaultNotFoundComponent: NotFound,
    defaultErrorComponent: Crashed,
    ...(history ? { history } : {}),
  });
}
