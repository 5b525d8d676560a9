// An architecture from outside the package: blocks without attention.
import { CausalLM, Decoder, GatedMLP } from "@abstractllm/mlx/blocks";
import { defineArchitecture, field, registerArchitecture } from "@abstractllm/mlx/models";
import { Module, RMSNorm } from "@abstractllm/mlx/nn";

class Block extends Module {
  constructor(c) {
    super();
    this.norm = new RMSNorm(c.hidden_size, c.rms_norm_eps);
    this.mlp = new GatedMLP(c.hidden_size, 2 * c.hidden_size);
  }

  forward(x) {
    return x.add(this.mlp.forward(this.norm.forward(x))); // [B, L, E]
  }
}

const architecture = defineArchitecture({
  config: {
    hidden_size: field.int.required(),
    num_hidden_layers: field.int.required(),
    rms_norm_eps: field.number.default(1e-5),
    vocab_size: field.int.required(),
    tie_word_embeddings: field.bool.default(true),
  },
  create: (c) =>
    new CausalLM(c, new Decoder(c, () => new Block(c), new RMSNorm(c.hidden_size, c.rms_norm_eps))),
});

registerArchitecture("mixerless", async () => ({ architecture }));
