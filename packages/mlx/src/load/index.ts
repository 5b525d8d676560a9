/** From files to models. */
export type { LoadedModel, LoadModelOptions } from "./load-model.ts";
export { loadModel } from "./load-source.ts";
