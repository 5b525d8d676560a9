import { type ResolveModelOptions, resolveModel } from "../hub/index.ts";
import { checkOptionNames } from "../option-names.ts";
import type { LoadedModel, LoadModelOptions } from "./load-model.ts";

const OPTIONS: Readonly<Record<keyof (LoadModelOptions & ResolveModelOptions), true>> = {
  device: true,
  quantize: true,
  exact: true,
  tokenizer: true,
  revision: true,
  allowPatterns: true,
  signal: true,
  onProgress: true,
  cacheDir: true,
  token: true,
  endpoint: true,
  offline: true,
};

/**
 * Loads a model onto this thread: a folder, a `.gguf` file or a hub repository, downloaded first when needed.
 *
 * @param source - path, `org/name`, `org/name:Q4_K_M` or `org/name/file.gguf`
 * @throws {InvalidArgumentError} for an option that there is not
 * @throws {HubError} when it cannot be found or fetched
 * @throws {MlxError} `config`, `weights`, `tokenizer`, `unsupported-architecture`, or `unavailable` without a libmlx
 * @example
 * const { model, tokenizer } = await loadModel("mlx-community/Qwen3-0.6B-4bit");
 * const logits = model.forward(mx.array([await tokenizer.encode("Hello")], mx.int32));
 */
export const loadModel = async (
  source: string,
  options: LoadModelOptions & ResolveModelOptions = {},
): Promise<LoadedModel> => {
  checkOptionNames(options, OPTIONS);
  const { path } = await resolveModel(source, options);
  // imported here so that this package can be imported, and say what is missing, where no libmlx loads
  const { loadModel: loadPath } = await import("./load-model.ts");
  return loadPath(path, options);
};
