import { once } from "node:events";
import type { Server } from "node:http";
import { InvalidParameterError } from "abstractllm";

/** What there is to say about each reason for which an address cannot be listened at. */
const REASONS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `Port ${port} of ${host} is in use; stop what listens there, or take another port (0 takes a free one)`,
  EACCES: (_, port) => `Port ${port} is not for this user; take one above 1023`,
  EADDRNOTAVAIL: (host) =>
    `${host} is no address of this machine; take 127.0.0.1, or 0.0.0.0 for all of its own`,
  ENOTFOUND: (host) =>
    `There is no host ${host}; take 127.0.0.1, or 0.0.0.0 for all addresses of this machine`,
  ERR_SERVER_ALREADY_LISTEN: () => "The server listens already",
};

/** Begins to listen. @throws {InvalidParameterError} for an address that cannot be listened at */
export async function beginListening(http: Server, host: string, port: number): Promise<void> {
  try {
    const listening = once(http, "listening"); // fails when "error" comes first
    http.listen(port, host);
    await listening;
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    const message = REASONS[code]?.(host, port);
    if (message === undefined) throw cause;
    const [name, value] = code === "EADDRINUSE" || code === "EACCES" ? ["port", port] : ["host", host];
    throw new InvalidParameterError(String(name), value, message, { cause });
  }
}
