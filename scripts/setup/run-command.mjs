import { spawn, spawnSync } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import { SetupError } from "./setup-error.mjs";

const shownLines = 40;

/** @type {Set<number>} process groups to end when set-up is interrupted */
const running = new Set();

/** @type {(groups: readonly number[]) => void} */
let onRunningChange = () => {};

/** Calls back with the process groups now running, each time one starts or ends. @param {typeof onRunningChange} listener */
export function watchCommands(listener) {
  onRunningChange = listener;
}

/** Ends every command that is still running, with all its children. */
export function stopCommands() {
  for (const pid of running) {
    try {
      process.kill(-pid, "SIGTERM");
    } catch {
      // it ended by itself
    }
  }
}

/**
 * Runs a program to its end, with its output in a log file.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, log: string, append?: boolean, onLine?: (line: string) => void,
 *   explain?: (output: string) => string | undefined }} options - `explain` turns known output into a remedy
 * @returns {Promise<void>}
 * @throws {SetupError} when it cannot start or fails: the remedy, the last lines and where the log is
 */
export async function runCommand(command, args, options) {
  mkdirSync(dirname(options.log), { recursive: true });
  const log = createWriteStream(options.log, { flags: options.append ? "a" : "w" });
  log.write(`$ ${command} ${args.join(" ")}\n`);
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    // its own process group, so that an interrupt can end a whole build
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  onRunningChange([...running]);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (/** @type {string} */ text) => {
      log.write(text);
      const line = text
        .trimEnd()
        .split(/[\r\n]/)
        .at(-1);
      if (line) options.onLine?.(line);
    });
  }
  /** @type {Error | { code: number | null, signal: string | null }} */
  const outcome = await new Promise((resolve) => {
    child.once("error", resolve);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  if (pid !== undefined) running.delete(pid);
  onRunningChange([...running]);
  log.end();
  await finished(log);
  if (outcome instanceof Error) throw new SetupError(`Could not start ${command}: ${outcome.message}`);
  if (outcome.code !== 0) throw new SetupError(failure(command, args, outcome, options));
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ code: number | null, signal: string | null }} outcome
 * @param {{ log: string, explain?: (output: string) => string | undefined }} options
 */
function failure(command, args, outcome, { log, explain }) {
  const output = readFileSync(log, "utf8").trimEnd();
  const how = outcome.signal === null ? `exit code ${outcome.code}` : `signal ${outcome.signal}`;
  const remedy = explain?.(output);
  return [
    ...(remedy === undefined ? [] : [remedy, ""]),
    `${[command, ...args.slice(0, 3)].join(" ")} failed (${how}). Its last lines:`,
    ...output
      .split(/\r?\n/)
      .slice(-shownLines)
      .map((line) => `  ${line}`),
    `The whole log: ${log}`,
  ].join("\n");
}

/**
 * Asks a program something small.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, input?: string }} [options]
 * @returns {string | undefined} what it printed, or undefined when it is missing or refuses
 */
export function probe(command, args, options = {}) {
  const result = spawnSync(command, args, { ...options, encoding: "utf8", timeout: 30_000 });
  return result.status === 0 ? `${result.stdout}${result.stderr}` : undefined;
}
