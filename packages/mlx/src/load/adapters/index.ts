/** Fine-tuned variants of a model, beside its weights. */
export type { Adapter } from "./adapter.ts";
export { openAdapter } from "./open-adapter.ts";
