import type { Quantization } from "../nn/index.ts";
import { CausalLM, type CausalLMConfig, type Decoder } from "./causal-lm.ts";
import type { DecoderBody } from "./decoder-frame.ts";

/** A causal model with experts. A gate decides which of them answer, so it keeps 8 bits. */
export class GatedCausalLM<Body extends DecoderBody = Decoder> extends CausalLM<Body> {
  readonly #gate: string;

  /** @param gate - how the path of a gate ends */
  constructor(c: CausalLMConfig, model: Body, gate = "mlp.gate") {
    super(c, model);
    this.#gate = gate;
  }

  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return path.endsWith(this.#gate) ? { groupSize: 64, bits: 8, mode: "affine" } : true;
  }
}
