/**
 * The layers behind Qwen 3.5's and Qwen 3 Next's last one that predict further tokens: in files of their own, or under
 * `mtp` among the model's.
 *
 * @see mlx-vlm 0.7.10 speculative/drafters/qwen3_5_mtp
 */
import { fusedBlocks } from "../blocks/fused-block.ts";
import { GATE_QUANTIZATION } from "../blocks/gated-causal-lm.ts";
import type { LinearHybridBlock } from "../blocks/linear-hybrid-block.ts";
import { rmsNorm } from "../blocks/norm.ts";
import { KVCache, type LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, type Quantization, type RMSNorm } from "../nn/index.ts";
import { type Architecture, defineArchitecture } from "./architecture.ts";
import { splitJoinedExperts, stackNamedExperts } from "./common-rules.ts";
import { parseConfig, record } from "./config.ts";
import { layerCache } from "./language-model.ts";
import { type Prediction, type PredictionInputs, Predictor } from "./predictor.ts";
import { makeBlock, type Qwen35Config, qwen35Schema } from "./qwen3_5.ts";
import { drop, map, rename, type SanitizeRule, whenPresent } from "./sanitize-rules.ts";
import { added } from "./tensor-change.ts";
import type { Raw } from "./wrap-text.ts";

/** Predicts with the model's own embedding and output layer. */
class Qwen35Predictor extends Predictor {
  fc: Linear;
  pre_fc_norm_embedding: RMSNorm;
  pre_fc_norm_hidden: RMSNorm;
  layers: LinearHybridBlock[];
  norm: RMSNorm;
  readonly width: number;
  readonly vocabSize: number;
  readonly seesTokens = true;

  constructor(c: Qwen35Config) {
    super();
    this.width = c.hidden_size;
    this.vocabSize = c.vocab_size;
    this.fc = new Linear(2 * c.hidden_size, c.hidden_size, false);
    this.pre_fc_norm_embedding = rmsNorm(c);
    this.pre_fc_norm_hidden = rmsNorm(c);
    this.layers = Array.from({ length: c.mtp_num_hidden_layers ?? 1 }, () => makeBlock(c, false));
    this.norm = rmsNorm(c);
  }

  predict({ model, tokens, features, cache }: PredictionInputs): Prediction {
    const parts = [
      this.pre_fc_norm_embedding.forward(model.embed(tokens)),
      this.pre_fc_norm_hidden.forward(features),
    ];
    const predicted = this.norm.forward(this.#mix(this.fc.forward(mx.concatenate(parts, -1)), cache)); // [1, L, E]
    const last = mx.index(predicted, [], [-1]); // [1, 1, E]
    return { features: predicted, logits: mx.squeeze(model.project(last), 1) };
  }

  /** `[1, L, E] -> [1, L, E]` */
  #mix(x: MxArray, cache: readonly LayerCache[]): MxArray {
    const mask = layerCache(cache, 0).makeMask(x.dim(1));
    const calls = this.layers.map((block, i) => ({ block, mask, cache: layerCache(cache, i) }));
    const { h, count } = fusedBlocks(x, calls);
    return calls.slice(count).reduce((done, call) => call.block.forward(done, mask, call.cache), h);
  }

  override makeCache(): LayerCache[] {
    return this.layers.map(() => new KVCache());
  }

  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return /(mlp\.gate|shared_expert_gate)$/.test(path) ? GATE_QUANTIZATION : true;
  }
}

/** Norms whose checkpoints store the weight minus one. */
const completeNorms = map<unknown>(/^mtp\..*norm\w*\.weight$/, [added(1)], (shape) => shape.length === 1);

const unwrap: readonly SanitizeRule<unknown>[] = [
  rename(/^mtp\./, ""),
  ...splitJoinedExperts,
  stackNamedExperts,
];

/** @param sanitize - makes names of weights begin with `mtp.` where transformers saved them */
const predictorOf = (
  sanitize: readonly SanitizeRule<unknown>[],
  defaults: Raw = {},
): Architecture<Predictor> => {
  const text = defineArchitecture({
    config: qwen35Schema,
    create: (c) => new Qwen35Predictor(c),
    sanitize: [...sanitize, ...unwrap],
  });
  return {
    bind: (raw) => {
      const { text_config = raw } = parseConfig({ text_config: record.optional() }, raw).config;
      return text.bind({ ...defaults, ...text_config });
    },
  };
};

const amongOthers: readonly SanitizeRule<unknown>[] = [
  rename(/^language_model\.mtp\./, "mtp."),
  whenPresent(/conv1d\.weight/, [completeNorms], (shape) => shape.at(-1) !== 1),
  drop(/^(?!mtp\.)/),
];

/** In files of its own. */
export const architecture = predictorOf([completeNorms]);

/** Among the weights of Qwen 3.5. */
export const ofQwen35 = predictorOf(amongOthers);

/** Among the weights of Qwen 3 Next. */
export const ofQwen3Next = predictorOf(amongOthers, { norm_topk_prob: false });
