import { encoderTypes } from "../models/encoder-types.ts";

/** Whether a parsed `config.json` is of a model whose positions see what is behind them: one that writes no text. */
export const seesBothWays = (config: Readonly<Record<string, unknown>>): boolean =>
  encoderTypes.some((type) => type === config.model_type) ||
  config.use_bidirectional_attention === true ||
  config.is_causal === false;
