import { MatrixLayer } from "./matrix-layer.ts";
import type { Module } from "./module.ts";
import { type Quantization, quantization } from "./quantization.ts";

/** Chooses the quantization of one layer: false leaves it dense, true takes the default. */
export type QuantizePredicate = (path: string, layer: MatrixLayer) => boolean | Partial<Quantization>;

const dividesEvenly = (layer: MatrixLayer, q: Quantization): boolean =>
  (layer.matrixShape[1] ?? 0) % q.groupSize === 0;

/**
 * Quantizes the linear layers and embeddings of a model in place; layers whose rows do not divide into groups stay
 * dense, as in mlx-lm.
 *
 * @returns the paths that were quantized
 * @throws {InvalidArgumentError} on an unknown quantization
 */
export const quantize = (
  model: Module,
  options: Partial<Quantization> = {},
  predicate: QuantizePredicate = () => true,
): string[] => {
  const standard = quantization(options);
  const done: string[] = [];
  for (const [path, layer] of model.namedModules()) {
    if (!(layer instanceof MatrixLayer) || layer.quantization !== undefined) continue;
    const choice = predicate(path, layer);
    if (choice === false) continue;
    const q = choice === true ? standard : quantization({ ...standard, ...choice }, path);
    if (!dividesEvenly(layer, q)) continue;
    layer.quantize(q);
    done.push(path);
  }
  return done;
};
