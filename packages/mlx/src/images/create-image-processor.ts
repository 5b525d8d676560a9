import { MlxError } from "../errors.ts";
import { llava } from "./families/llava.ts";
import type { ImageProcessor } from "./image-processor.ts";
import type { ProcessorFiles } from "./settings.ts";

/** How each family prepares images, by `model_type`. */
const FAMILIES: Readonly<Record<string, (files: ProcessorFiles) => ImageProcessor>> = {
  llava,
};

/** The model types whose images can be prepared. */
export const imageModelTypes: readonly string[] = Object.keys(FAMILIES);

/**
 * The image processor of a model.
 *
 * @throws {MlxError} `unsupported-architecture` for a `model_type` without one
 * @throws {ConfigError} for settings that cannot be honoured
 */
export function createImageProcessor(files: ProcessorFiles): ImageProcessor {
  const type = String(files.model.model_type);
  const create = Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (create === undefined) {
    throw new MlxError("unsupported-architecture", `Images of the model type ${type} cannot be prepared`, {
      details: { modelType: type },
    });
  }
  return create(files);
}
