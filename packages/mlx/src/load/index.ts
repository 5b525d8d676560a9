/** From files to models. */
export { type LoadedModel, type LoadModelOptions, loadModel } from "./load-model.ts";
