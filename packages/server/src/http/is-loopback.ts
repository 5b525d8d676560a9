import { isIPv4 } from "node:net";

/** Whether a host is this machine and nobody else can reach it. Only names that resolvers take for nothing else count. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
