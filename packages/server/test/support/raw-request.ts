import { connect, type Socket } from "node:net";

/** A connection to a server's origin. */
export function open(origin: string): Socket {
  const { hostname, port } = new URL(origin);
  return connect(Number(port), hostname);
}

/** Sends bytes as they are, and gives what comes back until the server closes. */
export function raw(origin: string, bytes: string | Uint8Array): Promise<string> {
  const socket = open(origin);
  let answer = "";
  socket.setEncoding("utf8").on("data", (part) => {
    answer += part;
  });
  socket.on("error", () => {}); // after its answer, a server resets connections whose bytes it did not read
  socket.write(bytes);
  return new Promise((resolve) => socket.on("close", () => resolve(answer)));
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
