import type { Exchange } from "../http/exchange.ts";
import { RequestProblem } from "../http/request-problem.ts";
import type { Route } from "./route.ts";

/** The routes of a path, whatever their method. */
function routesAt(routes: readonly Route[], path: string): Route[] {
  return routes.filter(({ path: pattern }) =>
    pattern.endsWith("/*")
      ? path.startsWith(pattern.slice(0, -1)) && path.length >= pattern.length
      : path === pattern,
  );
}

/** @throws {RequestProblem} when there is none, or none for the method */
export function findRoute(routes: readonly Route[], { method, path }: Exchange): Route {
  const found = routesAt(routes, path);
  if (found.length === 0) throw new RequestProblem("not-found", "There is nothing at this address");
  const wanted = method === "HEAD" ? "GET" : method;
  const route = found.find((each) => each.method === wanted);
  if (route !== undefined) return route;
  const allow = [...new Set(found.map((each) => each.method))].join(", ");
  throw new RequestProblem("method", `Expected ${allow} here`, { headers: { allow } });
}
