import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Options } from "../../../config/option-table.ts";
import { InvalidParameterError, ModelNotFoundError } from "../../../errors/index.ts";
import type { DownloadProgress } from "../../../interface/llm-config.ts";
import { mapLoadError } from "./map-load-error.ts";
import type { CausalModel, LoadOptions, Tokenizer, TransformersModule } from "./transformers-js.ts";

/** A model and its tokenizer. */
export interface LoadedModel {
  readonly tokenizer: Tokenizer;
  readonly model: CausalModel;
}

/**
 * Fetches a model where it is not in the cache, and loads it.
 *
 * @throws {AbstractLLMError} the subclass that says why it could not be loaded
 */
export async function loadModel(
  { AutoTokenizer, AutoModelForCausalLM }: TransformersModule,
  options: Options,
): Promise<LoadedModel> {
  const { model: name = "" } = options;
  if (isAbsolute(name) && !existsSync(join(name, "config.json"))) {
    const reason = "there is no config.json in that folder";
    throw new ModelNotFoundError(name, { provider: "huggingface", reason, searchPath: name });
  }
  const from = loadOptions(options);
  try {
    const tokenizer = await AutoTokenizer.from_pretrained(name, from);
    return { tokenizer, model: await AutoModelForCausalLM.from_pretrained(name, from) };
  } catch (cause) {
    throw mapLoadError(cause, name);
  }
}

/** @throws {InvalidParameterError} when both 4 and 8 bits are asked for */
export function loadOptions(options: Options): LoadOptions {
  const { cacheDir, revision, loadIn4bit, loadIn8bit, onProgress } = options;
  if (loadIn4bit && loadIn8bit) {
    const message = "loadIn4bit and loadIn8bit were both given; give one of them";
    throw new InvalidParameterError("loadIn8bit", true, message, { provider: "huggingface" });
  }
  return {
    device: "cpu",
    ...(cacheDir == null ? {} : { cache_dir: cacheDir }),
    ...(revision === undefined ? {} : { revision }),
    ...(loadIn4bit ? { dtype: "q4" } : {}),
    ...(loadIn8bit ? { dtype: "q8" } : {}),
    ...(onProgress === undefined ? {} : { progress_callback: progressOf(onProgress) }),
  };
}

function progressOf(
  tell: (progress: DownloadProgress) => void,
): NonNullable<LoadOptions["progress_callback"]> {
  const files = new Map<string, { received: number; total: number }>();
  return ({ status, file, loaded = 0, total = 0 }) => {
    if (status !== "progress" || file === undefined) return;
    files.set(file, { received: loaded, total });
    const all = [...files.values()];
    tell({
      file,
      receivedBytes: loaded,
      totalBytes: total,
      allReceivedBytes: all.reduce((sum, { received }) => sum + received, 0),
      allTotalBytes: all.reduce((sum, one) => sum + one.total, 0),
    });
  };
}
