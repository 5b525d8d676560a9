export { ModelPool, type RunningModel } from "./model-pool.ts";
export { checkModel, type ModelConfig, type ModelSource } from "./model-source.ts";
