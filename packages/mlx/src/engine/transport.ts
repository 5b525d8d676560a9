/** How a client reaches its host: a worker thread of this process, or a child process. */
import { fork } from "node:child_process";
import { Worker } from "node:worker_threads";
import { keepCompiledKernels } from "../core/compiled-kernels.ts";
import type { FromHost, ToHost } from "./protocol.ts";

export interface Transport {
  send(message: ToHost): void;
  /** Whether the host keeps this process alive. */
  hold(on: boolean): void;
  /** Ends the host now, whatever it does. */
  kill(): Promise<void>;
}

export interface TransportEvents {
  message(message: FromHost): void;
  /** The host is gone; `reason` says how. */
  closed(reason: string): void;
}

/** Room of a thread for objects that live short. By default it takes 20 MiB more, and generates no faster. */
const YOUNG_MIB = 4;
/** The same of a process, where it is three such spaces. */
const SEMI_SPACE_MIB = 1;

const entry = new URL("./host-entry.js", import.meta.url);

export const openWorker = (events: TransportEvents): Transport => {
  keepCompiledKernels(); // what the worker writes into its environment, libmlx would not see
  const worker = new Worker(entry, {
    execArgv: [], // flags of the application, such as --input-type, are not for it
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  });
  let failure = "";
  worker.on("message", (message: FromHost) => events.message(message));
  worker.on("error", (error) => {
    failure = error instanceof Error ? error.message : String(error);
  });
  worker.on("exit", (code) => events.closed(failure === "" ? `thread ended with code ${code}` : failure));
  return {
    send: (message) => worker.postMessage(message),
    hold: (on) => (on ? worker.ref() : worker.unref()),
    kill: async () => {
      await worker.terminate();
    },
  };
};

export const openProcess = (events: TransportEvents): Transport => {
  const child = fork(entry, [], {
    serialization: "advanced",
    execArgv: [`--max-semi-space-size=${SEMI_SPACE_MIB}`],
  });
  child.on("message", (message) => events.message(message as FromHost));
  child.on("error", (error) => events.closed(error.message));
  child.on("exit", (code, signal) =>
    events.closed(signal === null ? `process ended with code ${code}` : `process died of ${signal}`),
  );
  const hold = (on: boolean): void => {
    if (on) child.ref();
    else child.unref();
    const { channel } = child;
    if (on) channel?.ref();
    else channel?.unref();
  };
  return {
    send: (message) => {
      if (child.connected) child.send(message);
    },
    hold,
    kill: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        child.kill("SIGKILL");
      }),
  };
};
