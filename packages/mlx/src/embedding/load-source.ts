import { type ResolveModelOptions, resolveModel } from "../hub/index.ts";
import { checkOptionNames } from "../option-names.ts";
import type { LoadEmbedderOptions, LoadedEmbedder } from "./load-embedder.ts";

const OPTIONS: Readonly<Record<keyof (LoadEmbedderOptions & ResolveModelOptions), true>> = {
  device: true,
  quantize: true,
  exact: true,
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
 * Loads a model that makes vectors of texts onto this thread: a folder, a `.gguf` file or a hub repository, downloaded first
 * when needed.
 *
 * @param source - path, `org/name`, `org/name:Q8_0` or `org/name/file.gguf`
 * @throws {InvalidArgumentError} for an option that there is not
 * @throws {HubError} when it cannot be found or fetched
 * @throws {MlxError} `config`, `weights`, `tokenizer`, `unsupported-architecture`, `unsupported-feature` for a model that
 *   makes vectors in a way that is not known, or `unavailable` without a libmlx
 * @example
 * const { embedder } = await loadEmbedder("BAAI/bge-small-en-v1.5");
 * const { vectors } = await embedder.embed({ texts: ["a small town"] });
 */
export const loadEmbedder = async (
  source: string,
  options: LoadEmbedderOptions & ResolveModelOptions = {},
): Promise<LoadedEmbedder> => {
  checkOptionNames(options, OPTIONS);
  const { path } = await resolveModel(source, options);
  // imported here so that this package can be imported, and say what is missing, where no libmlx loads
  const { loadEmbedder: loadPath } = await import("./load-embedder.ts");
  return loadPath(path, options);
};
