import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isLoopback } from "./is-loopback.ts";
import { RequestProblem } from "./request-problem.ts";

/**
 * Refuses hosts that are not this server's: a page of another site, whose name was made to lead here, would otherwise
 * pass for one of our own (DNS rebinding, CWE-350).
 *
 * @param allowed - names beside the loopback; undefined lets every name pass
 * @throws {RequestProblem}
 */
export function checkHost(request: IncomingMessage, allowed: readonly string[] | undefined): void {
  const named = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
  if (named.length > 1) throw new RequestProblem("invalid", "The request names two hosts");
  if (allowed === undefined) return;
  const host = hostName(request.headers.host ?? "");
  if (host !== undefined && (isLoopback(host) || allowed.includes(host))) return;
  throw new RequestProblem("permission", "This server does not answer to that host name (allowedHosts)");
}

/** The name in a Host header, without port and brackets, in lower case. */
function hostName(header: string): string | undefined {
  const found = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d+)?$/i.exec(header);
  return (found?.[1] ?? found?.[2])?.toLowerCase();
}

/**
 * Refuses pages of other sites, which browsers let send requests but say so.
 *
 * @returns the origin, where it is one that may read the answer
 * @throws {RequestProblem}
 */
export function checkOrigin(
  { origin, host }: IncomingHttpHeaders,
  allowed: readonly string[],
): string | undefined {
  if (origin === undefined) return undefined;
  if (allowed.includes(origin) || allowed.includes("*")) return origin;
  if (origin === `http://${host}` || origin === `https://${host}`) return undefined;
  throw new RequestProblem("permission", "Pages of this origin may not ask this server (cors)");
}

/** Refuses clients without the key. @throws {RequestProblem} */
export function checkKey(headers: IncomingHttpHeaders, apiKey: string | undefined): void {
  if (apiKey === undefined) return;
  const { authorization, "x-api-key": header } = headers;
  const given = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1] ?? header;
  if (typeof given === "string" && isSame(given, apiKey)) return;
  const message = `The API key is ${given === undefined ? "missing" : "wrong"}`;
  throw new RequestProblem("authentication", message, { headers: { "www-authenticate": "Bearer" } });
}

/** Compares in a time that tells nothing of where two texts differ (CWE-208). */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
