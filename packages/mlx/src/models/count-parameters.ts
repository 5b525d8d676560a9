import { createModel } from "./create-model.ts";

/**
 * How many parameters a model has, by its parsed `config.json` alone: for what it takes before its weights are there.
 * Needs no memory for them. Of a multimodal model, those of the language model.
 *
 * @throws {MlxError} `unsupported-architecture` or `config`
 * @example const bytes = ((await countParameters(config)) * 4.5) / 8; // in 4 bits with a scale and a bias per 64
 */
export const countParameters = async (config: Readonly<Record<string, unknown>>): Promise<number> => {
  const model = await createModel(config);
  const count = model.countParameters();
  model.dispose();
  return count;
};
