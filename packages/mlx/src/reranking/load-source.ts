import { type ResolveModelOptions, resolveModel } from "../hub/index.ts";
import { checkOptionNames } from "../option-names.ts";
import type { LoadedReranker, LoadRerankerOptions } from "./load-reranker.ts";

const OPTIONS: Readonly<Record<keyof (LoadRerankerOptions & ResolveModelOptions), true>> = {
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
 * Loads a model that scores pairs of texts onto this thread: a folder, a `.gguf` file or a hub repository, downloaded first
 * when needed.
 *
 * @param source - path, `org/name`, `org/name:Q8_0` or `org/name/file.gguf`
 * @throws {InvalidArgumentError} for an option that there is not
 * @throws {HubError} when it cannot be found or fetched
 * @throws {MlxError} `config`, `weights`, `tokenizer`, `unsupported-feature` for a model that scores no pairs, or
 *   in a way that is not known, or `unavailable` without a libmlx
 * @example
 * const { reranker } = await loadReranker("cross-encoder/ms-marco-MiniLM-L6-v2");
 * const { scores } = await reranker.rerank({ query: "Where does water go?", documents: ["To the sea.", "At six."] });
 */
export const loadReranker = async (
  source: string,
  options: LoadRerankerOptions & ResolveModelOptions = {},
): Promise<LoadedReranker> => {
  checkOptionNames(options, OPTIONS);
  const { path } = await resolveModel(source, options);
  // imported here so that this package can be imported, and say what is missing, where no libmlx loads
  const { loadReranker: loadPath } = await import("./load-reranker.ts");
  return loadPath(path, options);
};
