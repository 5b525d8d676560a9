import { spawn } from "node:child_process";
import { constants } from "node:os";

/**
 * Runs a program on this terminal and ends as it ends.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} its exit code, also set as ours; 128 + the signal's number when a signal ended it
 */
export async function runInForeground(command, args, env = process.env) {
  const child = spawn(command, args, { stdio: "inherit", env });
  // the terminal sends Ctrl-C to both; the child decides what it means
  const ignore = () => {};
  const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  process.on("SIGINT", ignore).on("SIGTERM", forward).on("SIGHUP", forward);
  try {
    process.exitCode = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]));
    });
  } finally {
    process.off("SIGINT", ignore).off("SIGTERM", forward).off("SIGHUP", forward);
  }
  return Number(process.exitCode);
}
