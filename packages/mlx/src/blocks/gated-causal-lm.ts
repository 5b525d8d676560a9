import type { Quantization } from "../nn/index.ts";
import { CausalLM, type CausalLMConfig, type Decoder } from "./causal-lm.ts";
import type { DecoderBody } from "./decoder-frame.ts";

/** Of a gate, which decides which experts answer. */
export const GATE_QUANTIZATION: Partial<Quantization> = { groupSize: 64, bits: 8, mode: "affine" };

/** A causal model with experts. A gate decides which of them answer, so it keeps 8 bits. */
export class GatedCausalLM<Body extends DecoderBody = Decoder> extends CausalLM<Body> {
  readonly #gates: readonly string[];

  /** @param gates - how the paths of gates end; `mlp.gate` by default */
  constructor(c: CausalLMConfig, model: Body, ...gates: readonly string[]) {
    super(c, model);
    this.#gates = gates.length === 0 ? ["mlp.gate"] : gates;
  }

  override quantizationOf(path: string): boolean | Partial<Quantization> {
    const isGate = this.#gates.some((gate) => path.endsWith(gate));
    return isGate ? GATE_QUANTIZATION : true;
  }
}
