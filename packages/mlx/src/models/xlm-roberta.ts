/** BERT whose first position is behind that of padding. @see transformers 5.23 models/xlm_roberta */
import { defineArchitecture } from "./architecture.ts";
import { BertModel, config as bert, sanitize } from "./bert.ts";
import { int, number } from "./config.ts";

const config = {
  ...bert,
  layer_norm_eps: number.default(1e-12),
  pad_token_id: int.default(1),
};

export const architecture = defineArchitecture({
  config,
  create: (c) => new BertModel(c, c.pad_token_id + 1),
  sanitize,
});
