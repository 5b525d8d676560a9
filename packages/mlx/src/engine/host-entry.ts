/** Entry of an engine's thread or process: connects a host to whoever started it. */
import { parentPort } from "node:worker_threads";
import { toErrorData } from "./error-data.ts";
import type { FromHost, ToHost } from "./protocol.ts";

type Receiver = { receive(message: ToHost): void };

/** The host, or, where no libmlx loads, one that says so to every request. */
const connect = async (send: (message: FromHost) => void, exit: () => void): Promise<Receiver> => {
  try {
    const { EngineHost } = await import("./host.ts");
    return new EngineHost(send, exit);
  } catch (error) {
    return {
      receive: ({ id, body }) => {
        send({ id, type: "failure", error: toErrorData(error) });
        if (body.type === "shutdown") exit();
      },
    };
  }
};

if (parentPort !== null) {
  const port = parentPort;
  const host = connect(
    (message) => port.postMessage(message),
    () => port.close(),
  );
  port.on("message", (message: ToHost) => void host.then((h) => h.receive(message)));
} else {
  const host = connect(
    // a parent that dies while an answer is on its way is no error: "disconnect" follows
    (message) => process.send?.(message, undefined, undefined, () => {}),
    () => process.disconnect(),
  );
  process.on("message", (message) => void host.then((h) => h.receive(message as ToHost)));
  // a parent that died cannot want answers any more
  process.on("disconnect", () => process.exit(0));
  // Ctrl-C reaches every process of a terminal: the parent decides what it means
  process.on("SIGINT", () => {});
}
