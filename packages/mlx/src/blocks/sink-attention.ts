import { type MxArray, zeros } from "../core/index.ts";
import { attention } from "./attention.ts";
import type { Mask } from "./mask.ts";
import { type AttentionParts, KeptParts } from "./mixer-parts.ts";
import { SelfAttention, type SelfAttentionConfig, type SelfAttentionOptions } from "./self-attention.ts";

/** Attention whose heads may look at nothing: a logit of each head takes part in the softmax. Parameter: `sinks [H]`. */
export class SinkAttention extends SelfAttention {
  sinks: MxArray;
  readonly #withSinks = new KeptParts<AttentionParts>();

  constructor(c: SelfAttentionConfig, options: SelfAttentionOptions) {
    super(c, options);
    this.sinks = zeros([c.num_attention_heads]);
  }

  override get parts(): AttentionParts | undefined {
    if (!this.makesStepsOf(SinkAttention.prototype)) return undefined;
    const [parts, { sinks }] = [this.partsWith(), this];
    return this.#withSinks.of([parts, sinks], () => ({ ...parts, sinks }));
  }

  protected override attend(q: MxArray, k: MxArray, v: MxArray, mask: Mask): MxArray {
    return attention(q, k, v, { scale: this.scale, mask, sinks: this.sinks });
  }
}
