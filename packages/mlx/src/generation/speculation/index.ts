/** Guesses of what comes next, tried several at once. */
export { checkDrafts, openSpeculation } from "./open-speculation.ts";
export type { Speculation } from "./speculation.ts";
