/** Predictors of the goldens, with what they predict from. */
import { KVCache, type LayerCache, RotatingKVCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { LanguageModel, type Predictor, resolvePredictor } from "../../src/models/index.ts";
import type { Module } from "../../src/nn/index.ts";
import { readGolden } from "./golden.ts";
import { hashName, randomBits, randomTensor } from "./random-weights.ts";

interface PredictorStep {
  readonly tokens: readonly number[];
  /** `[1, L, E]`, float32 in base64, as `logits`. */
  readonly features: string;
  /** `[1, V]` */
  readonly logits: string;
}

interface PredictorCase {
  readonly name: string;
  readonly seed: number;
  readonly normCenter: number;
  readonly config: { readonly text_config: Readonly<Record<string, unknown>> } & Readonly<
    Record<string, unknown>
  >;
  readonly width: number;
  readonly tensors: Readonly<Record<string, number[]>>;
  /** Shapes of the keys and of the values that the model remembers, by type of layer. */
  readonly remembered: Readonly<Record<string, number[]>>;
  readonly steps: readonly PredictorStep[];
}

export const { cases } = readGolden<{ cases: readonly PredictorCase[] }>("predictors.json");

const V = 64;

const tensor = ({ seed, normCenter }: PredictorCase, name: string, shape: readonly number[]): mx.MxArray =>
  mx.array(randomTensor(seed, name, shape, normCenter), mx.float32, [...shape]);

/** The numbers below `count` in an order that follows from `seed` and `name`. */
const permutation = (seed: number, name: string, count: number): mx.MxArray => {
  const key = hashName(seed, name);
  const order = Array.from({ length: count }, (_, i) => i);
  return mx.array(
    order.sort((a, b) => randomBits(key, a) - randomBits(key, b) || a - b),
    mx.int32,
  );
};

/** The weights of a case under the names of its files. */
export const weightsOf = (golden: PredictorCase): Map<string, mx.MxArray> =>
  new Map(
    Object.entries(golden.tensors).map(([name, shape]) => [
      name,
      name.endsWith("token_ordering")
        ? permutation(golden.seed, name, shape[0] ?? 0)
        : tensor(golden, name, shape),
    ]),
  );

export const buildPredictor = async (golden: PredictorCase): Promise<Predictor> => {
  const architecture = await resolvePredictor(golden.config);
  const predictor = architecture.create();
  predictor.loadWeights(architecture.sanitize(weightsOf(golden)));
  return predictor;
};

/** Nothing but the embedding and the output layer of the model that a case predicts for. */
export class Ends extends LanguageModel {
  readonly layers: readonly Module[] = [];
  readonly #golden: PredictorCase;

  constructor(golden: PredictorCase) {
    super();
    this.#golden = golden;
  }

  forward(): mx.MxArray {
    throw new Error("it has no blocks");
  }

  override embed(tokens: mx.MxArray): mx.MxArray {
    return mx.take(this.#matrix("embed_tokens.weight"), tokens, 0);
  }

  override project(features: mx.MxArray): mx.MxArray {
    return mx.matmul(features, mx.transpose(this.#matrix("lm_head.weight")));
  }

  #matrix(name: string): mx.MxArray {
    return tensor(this.#golden, name, [V, this.#golden.width]);
  }
}

/** The caches of the model: a window's, and one of all positions. */
export const rememberedBy = (golden: PredictorCase): LayerCache[] =>
  Object.entries(golden.remembered).map(([kind, shape]) => {
    const slides = kind === "sliding_attention";
    const cache = slides
      ? new RotatingKVCache(golden.config.text_config.sliding_window as number)
      : new KVCache();
    cache.updateAndFetch(tensor(golden, `${kind} keys`, shape), tensor(golden, `${kind} values`, shape));
    return cache;
  });

/** Features of the model before the first of a case's tokens, `[1, L, E]`. */
export const firstFeatures = (golden: PredictorCase): mx.MxArray =>
  tensor(golden, "features", [1, golden.steps[0]?.tokens.length ?? 0, golden.width]);
