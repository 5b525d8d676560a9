export { ModelPool } from "./model-pool.ts";
export { isOpen, type ModelConfig, type ModelSource } from "./model-source.ts";
