/**
 * One thing set-up brings about. It is current when its stamp holds its fingerprint and its outputs exist.
 *
 * @typedef {object} Step
 * @property {string} name - of its stamp and log
 * @property {boolean} [usesLibmlx] - made once for each variant of libmlx; default false
 * @property {(context: import("./context.mjs").Context) => string} title - for its line on the screen
 * @property {readonly import("./prerequisites.mjs").Prerequisite[]} needs - checked before any step runs
 * @property {(context: import("./context.mjs").Context) => string} fingerprint - hash of its inputs, without starting a program
 * @property {(context: import("./context.mjs").Context) => readonly string[]} outputs - paths that exist afterwards
 * @property {(context: import("./context.mjs").Context, task: Task) => Promise<void>} run - safe to repeat after an interruption
 */

/**
 * What a running step may use.
 *
 * @typedef {object} Task
 * @property {string} log - path for the output of its programs
 * @property {(line: string) => void} show - tells what it is doing now
 * @property {(text: string) => void} note - says what the user should know once the step is done
 */

export {};
