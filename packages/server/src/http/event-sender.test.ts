import { once } from "node:events";
import { createServer, get, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { EventSender } from "./event-sender.ts";

test("does not wait for a client that is gone", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = get({ port, host: "127.0.0.1" }).on("error", () => {});
  const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
  const sender = new EventSender(response, {
    framing: "sse",
    keepAlive: undefined,
    keepAliveMs: 1000,
    stallMs: 200,
  });
  await sender.send([{ data: "one" }]);
  client.destroy();
  await once(response, "close");
  await expect(sender.send([{ data: "two" }])).resolves.toBeUndefined();
});
