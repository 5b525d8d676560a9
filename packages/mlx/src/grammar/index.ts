/** Answers that a grammar holds token by token. */
export { ConstraintMaker } from "./constraint-maker.ts";
export type { TokenConstraint } from "./token-constraint.ts";
export { requireConstraints } from "./vocabulary.ts";
