import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { Linear, Module, RMSNorm } from "../nn/index.ts";

/** Keys of a config that `AltUp` reads. */
export interface AltUpConfig {
  readonly hidden_size: number;
  readonly rms_norm_eps: number;
  readonly altup_num_inputs: number;
  readonly altup_active_idx: number;
  readonly altup_coef_clip?: number | undefined;
}

/**
 * Several residual streams of which a layer computes one: the others are predicted from all, then corrected by what
 * the layer changed. @see https://arxiv.org/abs/2301.13310
 */
export class AltUp extends Module {
  correct_output_scale: MxArray;
  correction_coefs: Linear;
  prediction_coefs: Linear;
  modality_router: Linear;
  router_norm: RMSNorm;
  readonly #c: AltUpConfig;

  constructor(c: AltUpConfig) {
    super();
    const N = c.altup_num_inputs;
    this.correct_output_scale = mx.zeros([c.hidden_size]);
    this.correction_coefs = new Linear(N, N, false);
    this.prediction_coefs = new Linear(N, N * N, false);
    this.modality_router = new Linear(c.hidden_size, N, false);
    this.router_norm = new RMSNorm(c.hidden_size, c.rms_norm_eps);
    this.#c = c;
  }

  /** The stream that the layer computes: `[N, B, L, E] -> [B, L, E]`. */
  active(streams: MxArray): MxArray {
    return mx.index(streams, this.#c.altup_active_idx);
  }

  /** How much each stream matters at each position, `[B, L, E] -> [B, L, N]`, float32. */
  #modalities(x: MxArray): MxArray {
    const routed = this.router_norm.forward(x).multiply(1 / this.#c.hidden_size);
    return mx.tanh(this.modality_router.forward(routed).astype(mx.float32));
  }

  /** `modalities [B, L, N]` times a matrix whose entries are limited, in float32. */
  #weigh(modalities: MxArray, { updatedWeight: weight }: Linear): MxArray {
    const wide = weight.astype(mx.float32);
    const { altup_coef_clip: limit } = this.#c;
    const limited = limit === undefined ? wide : mx.clip(wide, -limit, limit);
    return mx.matmul(modalities, mx.transpose(limited));
  }

  /** What the layer should find in each stream, `[N, B, L, E]`. */
  predict(streams: MxArray): MxArray {
    const [N = 1, B = 1, L = 1] = streams.shape;
    const weights = this.#weigh(this.#modalities(this.active(streams)), this.prediction_coefs);
    const coefs = mx.transpose(mx.reshape(weights, [B, L, N, N]), [0, 1, 3, 2]); // [B, L, N, N]
    const wide = streams.astype(mx.float32);
    const mixed = mx.matmul(mx.transpose(wide, [1, 2, 3, 0]), coefs); // [B, L, E, N]
    return mx.add(mx.transpose(mixed, [3, 0, 1, 2]), wide).astype(streams.dtype);
  }

  /** Predictions `[N, B, L, E]` moved by what became of the active one, `[B, L, E]`. */
  correct(predictions: MxArray, activated: MxArray): MxArray {
    const coefs = this.#weigh(this.#modalities(activated), this.correction_coefs).add(1); // [B, L, N]
    const innovation = mx.subtract(activated, this.active(predictions)); // [B, L, E]
    const shares = mx.expandDims(mx.moveaxis(coefs, 2, 0), -1); // [N, B, L, 1]
    const moved = mx.multiply(mx.expandDims(innovation, 0), shares);
    return mx.add(moved, predictions).astype(activated.dtype);
  }
}

const magnitude = (x: MxArray): MxArray => mx.power(mx.mean(mx.square(x), -1, true), 0.5);

/** One stream and others brought to its magnitude, `[N, B, L, E]`. */
const levelled = (first: MxArray, others: MxArray): MxArray => {
  const level = mx.multiply(others, mx.divide(magnitude(first), magnitude(others)));
  return mx.concatenate([mx.expandDims(first, 0), level], 0);
};

/** One stream to all, of equal magnitude: `[B, L, E] -> [N, B, L, E]`. */
export const spreadStream = (x: MxArray, projections: readonly Linear[]): MxArray => {
  const others = projections.map((layer) => layer.forward(x));
  return levelled(x, mx.stack(others, 0));
};

/** All streams, of equal magnitude, to one: `[N, B, L, E] -> [B, L, E]`. */
export const gatherStreams = (streams: MxArray, projections: readonly Linear[]): MxArray => {
  const others = projections.map((layer, i) => layer.forward(mx.index(streams, i + 1)));
  return mx.mean(levelled(mx.index(streams, 0), mx.stack(others, 0)), 0);
};
