import { join } from "node:path";
import type { ProcessorFiles } from "../images/index.ts";
import { isObject } from "./is-object.ts";
import { readJsonObject } from "./read-json.ts";

/**
 * Reads what a model folder says of images; a missing file is an empty one.
 *
 * @throws {ConfigError} when a file is too large, not JSON or not an object
 */
export function readProcessorFiles(folder: string): ProcessorFiles {
  const read = (name: string) => readJsonObject(join(folder, name)) ?? {};
  const processor = read("processor_config.json");
  const nested = processor.image_processor;
  return {
    model: read("config.json"),
    processor,
    image: { ...read("preprocessor_config.json"), ...(isObject(nested) ? nested : {}) },
  };
}
