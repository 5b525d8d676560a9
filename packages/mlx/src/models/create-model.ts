import type { LanguageModel } from "./language-model.ts";
import { resolveArchitecture } from "./registry.ts";

/**
 * A model with zero weights, by a parsed `config.json`; `loadWeights` fills it.
 *
 * @throws {MlxError} `unsupported-architecture` or `config`
 */
export const createModel = async (config: Readonly<Record<string, unknown>>): Promise<LanguageModel> =>
  (await resolveArchitecture(config)).create();
