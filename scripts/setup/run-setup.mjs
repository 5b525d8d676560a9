import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createContext } from "./context.mjs";
import { withLock } from "./lock.mjs";
import { checkPrerequisites } from "./prerequisites.mjs";
import { Progress } from "./progress.mjs";
import { stopCommands, watchCommands } from "./run-command.mjs";
import { SetupError } from "./setup-error.mjs";
import { Stamps } from "./stamp.mjs";
import { addon } from "./steps/addon.mjs";
import { defaultModel } from "./steps/default-model.mjs";
import { grammar } from "./steps/grammar.mjs";
import { libmlx } from "./steps/libmlx.mjs";
import { npmPackages } from "./steps/npm-packages.mjs";
import { typescript } from "./steps/typescript.mjs";

/** In the order they run; a step may use what those before it made. */
const allSteps = [npmPackages, libmlx, addon, grammar, defaultModel, typescript];

/**
 * Brings this checkout to the state where it runs, doing only what is missing or out of date.
 *
 * @param {object} [options]
 * @param {readonly import("./step.mjs").Step[]} [options.steps]
 * @param {import("./context.mjs").Context} [options.context]
 * @param {import("./progress.mjs").Screen} [options.screen] - default stderr, so that stdout holds only the answer
 * @returns {Promise<number>} how many steps had to run
 * @throws {SetupError} with what to do about it
 */
export async function runSetup(options = {}) {
  const { steps = allSteps, context = createContext(), screen = process.stderr } = options;
  const stamps = new Stamps(join(context.stateDir, "stamps"));
  if (steps.every((step) => isCurrent(step, context, stamps))) return 0;
  mkdirSync(context.stateDir, { recursive: true });
  const stopListening = stopOnInterrupt(screen);
  try {
    const action = (/** @type {import("./lock.mjs").NoteChildren} */ noteChildren) => {
      watchCommands(noteChildren);
      return runPending(steps, context, stamps, screen);
    };
    return await withLock(join(context.stateDir, "lock"), action, (holder) => {
      screen.write(`Waiting for another set-up${holder ? ` (process ${holder.pid})` : ""} to finish ...\n`);
    });
  } finally {
    watchCommands(() => {});
    stopListening();
  }
}

/**
 * Like {@link runSetup}, for the entry scripts: a failure is printed and ends the process with code 1.
 *
 * @param {Parameters<typeof runSetup>[0]} [options]
 * @returns {Promise<number>} how many steps had to run
 */
export async function runSetupOrExit(options) {
  try {
    return await runSetup(options);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\n${error.message}`);
    process.exit(1);
  }
}

/**
 * @param {readonly import("./step.mjs").Step[]} steps
 * @param {import("./context.mjs").Context} context
 * @param {Stamps} stamps
 * @param {import("./progress.mjs").Screen} screen
 */
async function runPending(steps, context, stamps, screen) {
  rmSync(context.scratchDir, { recursive: true, force: true });
  const pending = steps.filter((step) => !isCurrent(step, context, stamps));
  checkPrerequisites([...new Set(pending.flatMap((step) => step.needs))], context.env);
  const progress = new Progress(screen);
  for (const [i, step] of pending.entries()) {
    const key = stampName(step, context);
    // taken before the run: a file edited meanwhile makes the step run again
    const wanted = step.fingerprint(context);
    stamps.clear(key);
    /** @type {string[]} */
    const notes = [];
    const task = {
      log: join(context.stateDir, "logs", `${key}.log`),
      show: (/** @type {string} */ line) => progress.show(line),
      note: (/** @type {string} */ text) => void notes.push(text),
    };
    await progress.step(`[${i + 1}/${pending.length}] ${step.title(context)}`, () => step.run(context, task));
    for (const text of notes) screen.write(`${text}\n`);
    const missing = step.outputs(context).find((path) => !existsSync(path));
    if (missing !== undefined)
      throw new SetupError(`${step.title(context)}: ${missing} was not made. Log: ${task.log}`);
    stamps.write(key, wanted);
  }
  rmSync(context.scratchDir, { recursive: true, force: true });
  return pending.length;
}

/** @param {import("./step.mjs").Step} step @param {import("./context.mjs").Context} context @param {Stamps} stamps */
function isCurrent(step, context, stamps) {
  return (
    stamps.read(stampName(step, context)) === step.fingerprint(context) &&
    step.outputs(context).every((path) => existsSync(path))
  );
}

/** @param {import("./step.mjs").Step} step @param {import("./context.mjs").Context} context */
function stampName(step, context) {
  return step.usesLibmlx ? `${step.name}-${context.variant}` : step.name;
}

/** Ends the programs of the running step on Ctrl-C and the like. @param {import("./progress.mjs").Screen} screen */
function stopOnInterrupt(screen) {
  /** @param {NodeJS.Signals} signal */
  const stop = (signal) => {
    stopCommands();
    screen.write("\nInterrupted; the next run goes on from the step that was running.\n");
    process.exit(signal === "SIGINT" ? 130 : 143);
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.once(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}
