/** From files to models. */
export type { Adapter } from "./adapters/index.ts";
export { loadAdapter } from "./load-adapter.ts";
export type { LoadedModel, LoadModelOptions } from "./load-model.ts";
export { loadModel } from "./load-source.ts";
