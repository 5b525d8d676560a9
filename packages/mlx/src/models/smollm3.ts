/** Llama with some layers without position embedding. @see mlx-lm 0.32.2 models/smollm3.py */
import { noRope } from "../blocks/rope.ts";
import { ConfigError } from "../errors.ts";
import { defineArchitecture } from "./architecture.ts";
import { dropRotaryTables, dropTiedHead } from "./common-rules.ts";
import { type Infer, int, list } from "./config.ts";
import { LlamaModel, llamaRope, config as llamaSchema } from "./llama.ts";

const config = {
  ...llamaSchema,
  no_rope_layer_interval: int.default(4),
  no_rope_layers: list(int.required()).optional(),
};
type Config = Infer<typeof config>;

/** Despite its name, `no_rope_layers` is 1 where a layer has position embedding. */
const ropeLayers = (c: Config): boolean[] => {
  const given = c.no_rope_layers;
  if (given !== undefined && given.length !== c.num_hidden_layers) {
    throw new ConfigError(
      `config.json: no_rope_layers has ${given.length} entries for ${c.num_hidden_layers} layers`,
    );
  }
  return Array.from({ length: c.num_hidden_layers }, (_, i) =>
    given === undefined ? (i + 1) % c.no_rope_layer_interval !== 0 : given[i] !== 0,
  );
};

const create = (c: Config): LlamaModel => {
  const hasRope = ropeLayers(c);
  return new LlamaModel(c, (layer) => (hasRope[layer] === true ? llamaRope(c) : noRope));
};

export const architecture = defineArchitecture({
  config,
  create,
  sanitize: [dropRotaryTables, dropTiedHead],
});
