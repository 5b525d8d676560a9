/** Weights that other tools quantized, on their way into MLX's layout. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { WeightsError } from "../../errors.ts";
import type { Quantization } from "../../nn/index.ts";

/** The stored arrays of one layer, by the last part of their keys. */
export class StoredLayer {
  readonly path: string;
  readonly #parts: ReadonlyMap<string, MxArray>;

  constructor(path: string, parts: ReadonlyMap<string, MxArray>) {
    this.path = path;
    this.#parts = parts;
  }

  find(part: string): MxArray | undefined {
    return this.#parts.get(part);
  }

  /** @throws {WeightsError} when the file has no such array */
  get(part: string): MxArray {
    const found = this.find(part);
    if (found === undefined) throw this.problem(`has no ${part}`);
    return found;
  }

  problem(what: string): WeightsError {
    return new WeightsError(`The quantized layer ${this.path.slice(0, 200)} ${what}`);
  }
}

/** What a layer becomes: the arrays of a dense or quantized MLX layer. */
export interface ConvertedLayer {
  readonly weight: MxArray;
  readonly scales?: MxArray;
  readonly biases?: MxArray;
  readonly global_scale?: MxArray;
}

/** How one tool stores quantized layers. */
export interface WeightFormat {
  /** What most layers become; undefined where they become dense. */
  readonly standard: Quantization | undefined;
  /** The weight's key is the layer's path: `experts.up_proj`, beside `experts.up_proj_scale_inv`. Default false. */
  readonly isBare?: boolean;
  /** The array whose presence marks a layer of this format. */
  readonly marker: string;
  /** Every array that such a layer may have beside its bias. */
  readonly parts: readonly string[];
  /** `undefined` where the marked layer is none of this format after all. */
  convert(layer: StoredLayer): ConvertedLayer | undefined;
}

/** How the key of a layer's array ends. */
const suffix = ({ isBare = false }: WeightFormat, part: string): string => {
  if (isBare) return part === "weight" ? "" : `_${part}`;
  return `.${part}`;
};

/**
 * The weights with every layer of `format` converted; other arrays stay. Converted arrays are evaluated one layer at
 * a time and the stored ones freed.
 *
 * @throws {WeightsError} naming the layer that does not fit the format
 */
export const convertWeights = (
  weights: ReadonlyMap<string, MxArray>,
  format: WeightFormat,
): Map<string, MxArray> => {
  const converted = new Map(weights);
  const mark = suffix(format, format.marker);
  for (const key of weights.keys()) {
    if (!key.endsWith(mark)) continue;
    const path = key.slice(0, -mark.length);
    const keyOf = (part: string) => path + suffix(format, part);
    const parts = new Map<string, MxArray>();
    for (const part of format.parts) {
      const array = weights.get(keyOf(part));
      if (array !== undefined) parts.set(part, array);
    }
    const layer = convertLayer(new StoredLayer(path, parts), format);
    if (layer === undefined) continue;
    for (const part of parts.keys()) converted.delete(keyOf(part));
    for (const [name, array] of Object.entries(layer)) converted.set(keyOf(name), array);
    const stays = new Set<unknown>(Object.values(layer));
    for (const array of parts.values()) if (!stays.has(array)) array.dispose();
  }
  return converted;
};

const convertLayer = (layer: StoredLayer, format: WeightFormat): ConvertedLayer | undefined => {
  const converted = mx.tidy(() => format.convert(layer));
  for (const array of Object.values(converted ?? {})) mx.evaluate(mx.keep(array));
  return converted;
};
