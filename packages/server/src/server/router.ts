import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import { matchPath, type Route } from "./route.ts";

/** The routes of a path, whatever their method. */
function routesAt(routes: readonly Route[], path: string): Route[] {
  return routes.filter((route) => matchPath(path, route.path) !== undefined);
}

/** Clients get their base address wrong: without `/v1` or with two of them, or with a slash too many. */
function nothingAt(path: string, routes: readonly Route[]): string {
  const bare = path
    .replace(/\/+/g, "/")
    .replace(/\/$/, "")
    .replace(/^(\/v1)+(?=\/)/, "");
  const meant = [`/v1${bare}`, `/api${bare}`, bare].find((each) => routesAt(routes, each).length > 0);
  return `There is nothing at this address${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** @throws {RequestProblem} when there is none, or none for the method */
export function findRoute(routes: readonly Route[], { method, path }: Exchange): Route {
  const found = routesAt(routes, path);
  if (found.length === 0) throw new RequestProblem("not-found", nothingAt(path, routes));
  const wanted = method === "HEAD" ? "GET" : method;
  const route = found.find((each) => each.method === wanted);
  if (route !== undefined) return route;
  const allow = [...new Set(found.map((each) => each.method))].join(", ");
  throw new RequestProblem("method", `Expected ${allow} here`, { headers: { allow } });
}
