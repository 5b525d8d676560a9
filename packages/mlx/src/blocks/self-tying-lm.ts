import type { MxArray } from "../core/index.ts";
import { CausalLM, type CausalLMConfig, type Decoder } from "./causal-lm.ts";
import type { DecoderBody } from "./decoder-frame.ts";

/** A causal model whose output layer is tied to the embedding when the weights have none of its own. */
export class SelfTyingLM<Body extends DecoderBody = Decoder> extends CausalLM<Body> {
  constructor(c: Omit<CausalLMConfig, "tie_word_embeddings">, model: Body) {
    super({ ...c, tie_word_embeddings: false }, model);
  }

  override loadWeights(weights: ReadonlyMap<string, MxArray>, options: { strict?: boolean } = {}): void {
    if (weights.has("model.embed_tokens.weight") && !weights.has("lm_head.weight")) {
      this.lm_head?.dispose();
      delete this.lm_head;
    }
    super.loadWeights(weights, options);
  }
}
