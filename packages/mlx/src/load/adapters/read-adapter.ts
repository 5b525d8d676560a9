/** The weights of an adapter. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { MxArray } from "../../core/index.ts";
import { WeightsError } from "../../errors.ts";
import { readSafetensorsHeader } from "../../weights/index.ts";
import { mapSources } from "../open-safetensors.ts";
import type { AdapterConfig, AdapterFormat } from "./adapter-config.ts";

/** A tensor, and its name in the file. */
export interface StoredTensor {
  readonly name: string;
  readonly array: MxArray;
}

/** The tensors of one layer by part: the thin matrices, and the length of each row. */
export type AdapterParts = Partial<Record<"a" | "b" | "m", StoredTensor>>;

export interface AdapterFiles {
  readonly config: AdapterConfig;
  /** By path of the layer. */
  readonly layers: ReadonlyMap<string, AdapterParts>;
  /** Parameters in place of the model's, under its names. */
  readonly whole: readonly StoredTensor[];
}

const FILES: Readonly<Record<AdapterFormat, string>> = {
  "mlx-lm": "adapters.safetensors",
  peft: "adapter_model.safetensors",
};

/** What PEFT puts before the names of the model it wraps. */
const PEFT_PREFIX = /^base_model\.model\./;

/** How a tensor of a layer is named behind the layer's path. */
const SUFFIXES: Readonly<Record<AdapterFormat, readonly [RegExp, keyof AdapterParts][]>> = {
  "mlx-lm": [
    [/\.lora_a$/, "a"],
    [/\.lora_b$/, "b"],
    [/\.m$/, "m"],
  ],
  peft: [
    [/\.lora_A\.weight$|\.lora_embedding_A$/, "a"],
    [/\.lora_B\.weight$|\.lora_embedding_B$/, "b"],
    [/\.lora_magnitude_vector(\.weight)?$/, "m"],
  ],
};

const sortTensors = (
  tensors: ReadonlyMap<string, MxArray>,
  { format, kind }: AdapterConfig,
): Pick<AdapterFiles, "layers" | "whole"> => {
  const layers = new Map<string, AdapterParts>();
  const whole: StoredTensor[] = [];
  for (const [stored, array] of tensors) {
    const name = format === "peft" ? stored.replace(PEFT_PREFIX, "") : stored;
    const suffix = kind === "full" ? undefined : SUFFIXES[format].find(([pattern]) => pattern.test(name));
    if (suffix === undefined) {
      whole.push({ name, array });
      continue;
    }
    const [pattern, part] = suffix;
    const path = name.replace(pattern, "");
    layers.set(path, { ...layers.get(path), [part]: { name, array } });
  }
  return { layers, whole };
};

/**
 * Opens the weights of an adapter's folder.
 *
 * @throws {WeightsError} when they are missing, damaged or hostile
 */
export const readAdapter = (folder: string, config: AdapterConfig): AdapterFiles => {
  const file = FILES[config.format];
  const path = join(folder, file);
  if (!existsSync(path)) throw new WeightsError(`The adapter at ${folder} has no ${file}`);
  return { config, ...sortTensors(mapSources(readSafetensorsHeader(path).tensors), config) };
};
