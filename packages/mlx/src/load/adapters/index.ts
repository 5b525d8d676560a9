/** Fine-tuned variants of a model, beside its weights. */
export type { Adapter } from "./adapter.ts";
export { openAdapter } from "./open-adapter.ts";
export { checkStack, type StackPart, stackAdapters } from "./stack-adapters.ts";
