import { existsSync } from "node:fs";

const addon = new URL("../../../mlx/build/grammar/grammar.node", import.meta.url);

/** Why tests of constraints cannot run here, for their names; undefined where they can. */
export const grammarProblem = existsSync(addon) ? undefined : " (skipped: no Rust here when set-up ran)";
