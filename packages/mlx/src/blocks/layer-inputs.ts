/** Inputs of Gemma's layers beside the stream: what each is told about each token. */

import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { type Embedding, geluApprox, type Linear, type RMSNorm } from "../nn/index.ts";

/** Where the inputs of all layers come from. */
export interface LayerInputSource {
  readonly embed_tokens_per_layer: Embedding;
  readonly per_layer_model_projection: Linear;
  readonly per_layer_projection_norm: RMSNorm;
}

/**
 * An embedding of each layer's own, and a projection of the common one `h` `[B, L, E]`.
 *
 * @param layers - their number N, and features P of one input
 * @returns `[B, L, N, P]`
 */
export const layerInputs = (
  source: LayerInputSource,
  tokens: MxArray,
  h: MxArray,
  layers: readonly [N: number, P: number],
): MxArray => {
  const [, P] = layers;
  const own = source.embed_tokens_per_layer.forward(tokens).multiply(P ** 0.5); // [B, L, N * P]
  const projected = source.per_layer_model_projection.forward(h).multiply(h.dim(-1) ** -0.5);
  const normed = source.per_layer_projection_norm.forward(mx.unflatten(projected, -1, layers));
  return mx.add(normed, mx.unflatten(own, -1, layers)).multiply(2 ** -0.5);
};

/** How a layer takes its input. */
export interface LayerInputGate {
  readonly per_layer_input_gate: Linear;
  readonly per_layer_projection: Linear;
  readonly post_per_layer_input_norm: RMSNorm;
}

/** What of a layer's input `[B, L, P]` is let through by `h`: `[B, L, E]`. */
export const admittedInput = (layer: LayerInputGate, h: MxArray, input: MxArray): MxArray => {
  const gate = geluApprox(layer.per_layer_input_gate.forward(h)); // [B, L, P]
  const admitted = layer.per_layer_projection.forward(mx.multiply(gate, input)); // [B, L, E]
  return layer.post_per_layer_input_norm.forward(admitted);
};
