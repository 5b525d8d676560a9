import { CausalLM } from "../blocks/causal-lm.ts";
import type { DecoderBody } from "../blocks/decoder-frame.ts";
import { pool } from "../blocks/pooling.ts";
import type { MxArray } from "../core/index.ts";
import { MlxError } from "../errors.ts";
import type { Linear } from "../nn/index.ts";
import type { BoundArchitecture } from "./architecture.ts";
import { type PairRows, PairScorer } from "./pair-scorer.ts";

/** A decoder that is asked about a pair: what counts is which token it would write next. */
class DecoderJudge extends PairScorer {
  model: DecoderBody;
  declare lm_head?: Linear;
  readonly maxLength: number | undefined;
  readonly #language: CausalLM<DecoderBody>;

  constructor(language: CausalLM<DecoderBody>, maxLength: number | undefined) {
    super();
    this.model = language.model;
    if (language.lm_head !== undefined) this.lm_head = language.lm_head;
    this.maxLength = maxLength;
    this.#language = language;
  }

  /** `[B, V]`. Padding is behind the tokens, where what comes before does not see it. */
  forward({ tokens, lengths }: PairRows): MxArray {
    const states = this.model.forward(tokens); // [B, L, E]
    const spans = lengths.map((end) => ({ start: 0, end }));
    const last = pool(states, spans, ["lasttoken"]).astype(states.dtype); // [B, E]
    return this.lm_head?.forward(last) ?? this.model.embedding.asLinear(last);
  }

  quantizationOf(path: string) {
    return this.#language.quantizationOf(path);
  }
}

/** A language model as one that scores pairs. */
export const decoderJudge = (
  decoder: BoundArchitecture,
  { max_position_embeddings: limit }: Readonly<Record<string, unknown>>,
): BoundArchitecture<PairScorer> => ({
  unknownKeys: decoder.unknownKeys,
  create: () => {
    const language = decoder.create();
    if (!(language instanceof CausalLM))
      throw new MlxError("unsupported-feature", "The language model has no output layer to be asked", {
        details: { feature: "rerank" },
      });
    return new DecoderJudge(language, typeof limit === "number" && limit > 0 ? limit : undefined);
  },
  sanitize: (weights) => decoder.sanitize(weights),
});
