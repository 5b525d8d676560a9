import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";

/** A connection to a server's origin. */
export function open(origin: string): Socket {
  const { hostname, port } = new URL(origin);
  return connect(Number(port), hostname);
}

/** Sends bytes as they are, and gives what comes back until the server closes. */
export async function raw(origin: string, bytes: string | Uint8Array): Promise<string> {
  const socket = open(origin);
  socket.write(bytes);
  return text(socket);
}

/** An HTTP/1.1 request that asks for its connection to be closed. */
export function rawRequest(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): string {
  const all = {
    host: "127.0.0.1",
    connection: "close",
    "content-length": `${Buffer.byteLength(body)}`,
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
