/** Rules that undo what llama.cpp's converter changes. */
import * as mx from "../../core/index.ts";
import { WeightsError } from "../../errors.ts";
import { added, map, reshaped, type SanitizeRule, splitInto, type TensorChange } from "../../models/index.ts";
import { type GgufConfig, sizeOf } from "./gguf-row.ts";

type Rule = SanitizeRule<GgufConfig>;

const computed = (formula: string, compute: (x: mx.MxArray) => mx.MxArray): TensorChange => ({
  change: "compute",
  formula,
  compute,
});

/** Features of one head. */
const headDimOf = (c: GgufConfig): number =>
  typeof c.head_dim === "number" ? c.head_dim : sizeOf(c, "hidden_size") / sizeOf(c, "num_attention_heads");

/**
 * Rows of heads in pairs that turn together, `(2 j, 2 j + 1)`, in the order of a model that turns halves,
 * `(j, j + half)`. Rows are whole, so the parts of quantized weights go the same way.
 */
const halved = (headDim: number): TensorChange =>
  computed(`rows of heads of ${headDim} from pairs to halves`, (x) => {
    const [rows = 0, ...rest] = x.shape;
    if (rows % headDim !== 0 || headDim % 2 !== 0) {
      throw new WeightsError(`A tensor has ${rows} rows, which are no heads of ${headDim}`);
    }
    const pairs = mx.reshape(x, [-1, headDim / 2, 2, ...rest]);
    return mx.reshape(mx.swapaxes(pairs, 1, 2), x.shape);
  });

/** Queries and keys of a model that turns halves: the converter brings turning pairs together. */
export const unpermute = (pattern = /\.(q|k)_proj\./): Rule => map(pattern, (c) => [halved(headDimOf(c))]);

/** Norms that multiply by 1 + weight: the converter stores the sum. */
export const subtractOne = (pattern = /norm\.weight$/): Rule => map(pattern, [added(-1)]);

/** `A_log` of state spaces: the converter stores `-exp(A_log)`. */
export const logOfNegated = (pattern = /A_log$/): Rule =>
  map(pattern, [computed("log(-x)", (x) => mx.log(mx.negative(x)))]);

/** Vectors that the converter stores as columns. */
export const flattened = (pattern: RegExp): Rule => map(pattern, [reshaped(-1)]);

/** Depthwise convolutions `[C, K]`, which have their inputs last in MLX: `[C, K, 1]`. */
export const convolution = (pattern = /conv1d\.weight$/): Rule =>
  map(pattern, [
    computed("[C, K, 1]", (x) => mx.reshape(x, [x.dim(0) === 1 ? x.dim(1) : x.dim(0), x.dim(-1), 1])),
  ]);

/** Gates and what they gate of all experts, where a file keeps them in one tensor. */
export const splitExperts: Rule = splitInto(/gate_up_proj\./, ["gate_proj.", "up_proj."], { axis: 1 });

/** Rows of value heads in turns over key heads, `[V / K, K]`, in the order of the key heads. */
export const byKeyHead = (keyHeads: number, valueHeads: number, axis: 0 | -1): TensorChange =>
  computed(`${valueHeads} heads by ${keyHeads}, axis ${axis}`, (x) => {
    const at = axis === 0 ? 0 : x.ndim - 1;
    const [before, after] = [x.shape.slice(0, at), x.shape.slice(at + 1)];
    const perHead = x.dim(at) / valueHeads;
    const tiled = mx.reshape(x, [...before, valueHeads / keyHeads, keyHeads, perHead, ...after]);
    return mx.reshape(mx.swapaxes(tiled, at, at + 1), x.shape);
  });
