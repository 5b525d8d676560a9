export { ModelPool } from "./model-pool.ts";
export type { ModelConfig, ModelSource } from "./model-source.ts";
