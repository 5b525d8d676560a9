import { ConfigError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * The tokens that end an answer: those of generation_config.json, else of config.json, and the tokenizer's own.
 *
 * @param config - parsed config.json, if any
 * @param generationConfig - parsed generation_config.json, if any
 * @throws {ConfigError} when an `eos_token_id` is not a token id or a list of them
 * @see mlx-lm 0.32.2 utils.load_config and tokenizer_utils.TokenizerWrapper
 */
export function eosTokenIds(
  config: Readonly<Record<string, unknown>> | undefined,
  generationConfig: Readonly<Record<string, unknown>> | undefined,
  tokenizer: Pick<Tokenizer, "endTokenIds">,
): Set<number> {
  const fromGeneration = readIds(generationConfig?.eos_token_id, "generation_config.json");
  const ids = fromGeneration.length > 0 ? fromGeneration : readIds(config?.eos_token_id, "config.json");
  return new Set([...ids, ...tokenizer.endTokenIds]);
}

function readIds(value: unknown, file: string): number[] {
  if (value === undefined || value === null) return [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  return ids.map((id) => {
    if (typeof id === "number" && Number.isInteger(id) && id >= 0) return id;
    throw new ConfigError(
      `Expected token ids for eos_token_id in ${file} but received ${JSON.stringify(value)}.`,
      {
        details: { file },
      },
    );
  });
}
