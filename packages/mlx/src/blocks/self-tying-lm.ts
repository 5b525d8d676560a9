import type { MxArray } from "../core/index.ts";
import { CausalLM, type CausalLMConfig, type Decoder } from "./causal-lm.ts";
import type { DecoderBody } from "./decoder-frame.ts";

interface Tying {
  readonly tie_word_embeddings: boolean | undefined;
}

/** A causal model whose output layer is tied to the embedding when the weights have none of its own. */
export class SelfTyingLM<Body extends DecoderBody = Decoder> extends CausalLM<Body> {
  readonly #isMostlyTied: boolean;

  constructor(c: Omit<CausalLMConfig, "tie_word_embeddings"> & Partial<Tying>, model: Body) {
    super({ ...c, tie_word_embeddings: false }, model);
    this.#isMostlyTied = c.tie_word_embeddings !== false;
  }

  /** Without an output layer of its own, unless the config says that there is one. */
  override countParameters(): number {
    const head = this.#isMostlyTied ? (this.lm_head?.weight.size ?? 0) : 0;
    return super.countParameters() - head;
  }

  override loadWeights(weights: ReadonlyMap<string, MxArray>, options: { strict?: boolean } = {}): void {
    if (weights.has("model.embed_tokens.weight") && !weights.has("lm_head.weight")) {
      this.lm_head?.dispose();
      delete this.lm_head;
    }
    super.loadWeights(weights, options);
  }
}
