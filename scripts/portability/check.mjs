/**
 * A question about the addon that a build of its own answers.
 *
 * @typedef {object} MachineCheck
 * @property {string} title - what holds when it passes
 * @property {(context: import("../setup/context.mjs").Context, task: import("../setup/step.mjs").Task) => Promise<string>} run -
 *   returns what was seen, in one line
 */

/** Thrown by a check that this machine cannot make. */
export class CannotCheck extends Error {}

/**
 * Makes checks one after the other, printing one line for each.
 *
 * @param {readonly MachineCheck[]} checks
 * @param {import("../setup/context.mjs").Context} context
 * @param {(check: number) => string} logFor - path of a check's log
 * @returns {Promise<number>} how many failed
 */
export async function runMachineChecks(checks, context, logFor) {
  let failures = 0;
  for (const [i, { title, run }] of checks.entries()) {
    const start = performance.now();
    let outcome;
    try {
      outcome = `ok: ${await run(context, { log: logFor(i), show: () => {}, note: () => {} })}`;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (!(error instanceof CannotCheck)) failures++;
      outcome = `${error instanceof CannotCheck ? "skipped" : "failed"}: ${error.message}`;
    }
    console.log(`${title} ... ${outcome} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
  }
  return failures;
}

/**
 * Fails when symbols are needed that nothing has.
 *
 * @param {string} what - whose symbols
 * @param {readonly string[]} missing
 * @throws {Error} with the first of them
 */
export function expectNoneMissing(what, missing) {
  if (missing.length === 0) return;
  throw new Error(`${missing.length} symbols of ${what} are nowhere: ${missing.slice(0, 10).join(", ")}`);
}
