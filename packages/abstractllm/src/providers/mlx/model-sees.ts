import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { importHub, importImages } from "./engine-package.ts";
import type { ModelSource } from "./model-source.ts";

/** Whether a model on this machine takes images, by its config; undefined where it is not here or does not say. */
export async function modelSees({ name, hub }: ModelSource): Promise<boolean | undefined> {
  try {
    const { resolveModel } = await importHub();
    const { imageModelTypes } = await importImages();
    const { path } = await resolveModel(name, { ...hub, offline: true, allowPatterns: ["config.json"] });
    if (/\.gguf$/i.test(path)) return false;
    const config: unknown = JSON.parse(await readFile(join(path, "config.json"), "utf8"));
    const { model_type, vision_config } = Object(config);
    return imageModelTypes.includes(model_type) && (vision_config === undefined ? undefined : true);
  } catch {
    return undefined; // loading it will say what is wrong
  }
}
