/** What sequence classifiers of one label make of an encoder's states. @see transformers 5.23, `*ForSequenceClassification` */
import { pool } from "../blocks/pooling.ts";
import { type MxArray, tanh } from "../core/index.ts";
import { gelu, LayerNorm, Linear, Module, relu, silu } from "../nn/index.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import { bool, type Infer, int, number, oneOf } from "./config.ts";
import type { EncoderType } from "./encoder-types.ts";
import { rename, type SanitizeRule } from "./sanitize-rules.ts";

/** Makes one number of the states of a pair. */
export abstract class ScoreHead extends Module {
  /**
   * @param states - `[B, L, E]`
   * @param lengths - tokens of each row, `[B]`
   * @returns logits `[B, 1]`
   */
  abstract forward(states: MxArray, lengths: readonly number[]): MxArray;
}

const poolRows = (states: MxArray, lengths: readonly number[], mode: "cls" | "mean"): MxArray => {
  const spans = lengths.map((end) => ({ start: 0, end }));
  return pool(states, spans, [mode]).astype(states.dtype); // [B, E]
};

const tanhConfig = { hidden_size: int.required() };

/** Of the first token: BERT's pooler with its classifier, and RoBERTa's head, which is the same under other names. */
class TanhHead extends ScoreHead {
  dense: Linear;
  out_proj: Linear;

  constructor({ hidden_size: E }: Infer<typeof tanhConfig>) {
    super();
    this.dense = new Linear(E, E);
    this.out_proj = new Linear(E, 1);
  }

  forward(states: MxArray, lengths: readonly number[]): MxArray {
    const first = poolRows(states, lengths, "cls"); // [B, E]
    return this.out_proj.forward(tanh(this.dense.forward(first))); // [B, 1]
  }
}

const activations = { gelu, relu, silu } as const;

const modernConfig = {
  hidden_size: int.required(),
  norm_eps: number.default(1e-5),
  norm_bias: bool.default(false),
  classifier_pooling: oneOf("cls", "mean").default("cls"),
  classifier_bias: bool.default(false),
  classifier_activation: oneOf("gelu", "relu", "silu").default("gelu"),
};
type ModernConfig = Infer<typeof modernConfig>;

/** ModernBERT's: of the first token or the mean. */
class ModernBertHead extends ScoreHead {
  dense: Linear;
  norm: LayerNorm;
  classifier: Linear;
  readonly #config: ModernConfig;

  constructor(c: ModernConfig) {
    super();
    this.dense = new Linear(c.hidden_size, c.hidden_size, c.classifier_bias);
    this.norm = new LayerNorm(c.hidden_size, { eps: c.norm_eps, bias: c.norm_bias });
    this.classifier = new Linear(c.hidden_size, 1);
    this.#config = c;
  }

  forward(states: MxArray, lengths: readonly number[]): MxArray {
    const { classifier_pooling, classifier_activation } = this.#config;
    const pooled = poolRows(states, lengths, classifier_pooling); // [B, E]
    const h = activations[classifier_activation](this.dense.forward(pooled)); // [B, E]
    return this.classifier.forward(this.norm.forward(h)); // [B, 1]
  }
}

const tanhHead = (sanitize: SanitizeRule<unknown>[]): Architecture<ScoreHead> =>
  defineArchitecture({ config: tanhConfig, create: (c) => new TanhHead(c), sanitize });

const robertaHead = tanhHead([rename(/^classifier\./, "head.")]);

/** The head of each kind of encoder; its weights come out of `sanitize` under `head`, those of others as they were. */
export const scoreHeads: Readonly<Record<EncoderType, Architecture<ScoreHead>>> = {
  bert: tanhHead([rename(/^(bert\.)?pooler\./, "head."), rename(/^classifier\./, "head.out_proj.")]),
  camembert: robertaHead,
  modernbert: defineArchitecture({
    config: modernConfig,
    create: (c) => new ModernBertHead(c),
    sanitize: [rename(/^classifier\./, "head.classifier.")],
  }),
  mpnet: robertaHead,
  roberta: robertaHead,
  "xlm-roberta": robertaHead,
};
