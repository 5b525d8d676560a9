/** Many texts through a model, some at a time. */
export { checkTextSize } from "./check-text-size.ts";
export { padRows } from "./pad-rows.ts";
export type { Batch } from "./plan-batches.ts";
export { runBatches } from "./run-batches.ts";
