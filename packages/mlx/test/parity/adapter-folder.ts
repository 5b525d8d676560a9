/** Adapters with generated weights, in folders as mlx-lm and PEFT write them. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSafetensors } from "../engine/write-safetensors.ts";
import type { GoldenRun } from "./golden.ts";
import { randomTensor } from "./random-weights.ts";

/** A model with an adapter, and the logits that Python mlx-lm gave for it. */
export interface AdapterGolden {
  readonly name: string;
  /** Architecture and name of the model's golden. */
  readonly model: string;
  readonly bits?: number;
  readonly groupSize?: number;
  /** `adapter_config.json` */
  readonly config: {
    readonly fine_tune_type: string;
    readonly lora_parameters: Readonly<Record<string, unknown>>;
  } & Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Shapes by name. */
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly runs: readonly GoldenRun[];
}

/** What an adapter's folder holds. */
export interface AdapterContent {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, { shape: readonly number[]; data: Float32Array }>>;
}

/** Writes an adapter's folder. */
export const writeAdapter = (
  { config, tensors }: AdapterContent,
  file: "adapters.safetensors" | "adapter_model.safetensors" = "adapters.safetensors",
): string => {
  const folder = mkdtempSync(join(tmpdir(), "adapter-"));
  writeFileSync(join(folder, "adapter_config.json"), JSON.stringify(config));
  writeSafetensors(join(folder, file), tensors);
  return folder;
};

/** An adapter as Python had it. */
export const contentOf = ({
  config,
  seed,
  tensors,
}: Pick<AdapterGolden, "config" | "seed" | "tensors">): AdapterContent => ({
  config,
  tensors: Object.fromEntries(
    Object.entries(tensors).map(([name, shape]) => [name, { shape, data: randomTensor(seed, name, shape) }]),
  ),
});

const transposed = ({ shape: [rows = 0, columns = 0], data }: AdapterContent["tensors"][string]) => ({
  shape: [columns, rows],
  data: Float32Array.from(
    { length: data.length },
    (_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0,
  ),
});

const peftNames = (path: string): Readonly<Record<string, string>> => {
  const isEmbedding = path.endsWith("embed_tokens");
  return {
    lora_a: isEmbedding ? "lora_embedding_A" : "lora_A.weight",
    lora_b: isEmbedding ? "lora_embedding_B" : "lora_B.weight",
    m: "lora_magnitude_vector",
  };
};

/** The same adapter as PEFT writes it. */
export const peftContentOf = (golden: AdapterGolden): AdapterContent => {
  const { config } = golden;
  const { rank, scale } = config.lora_parameters;
  return {
    config: {
      peft_type: "LORA",
      r: rank,
      lora_alpha: Number(rank) * Number(scale),
      use_dora: config.fine_tune_type === "dora",
    },
    tensors: Object.fromEntries(
      Object.entries(contentOf(golden).tensors).map(([name, tensor]) => {
        const [, path = "", part = ""] = /^(.*)\.(\w+)$/.exec(name) ?? [];
        return [
          `base_model.model.${path}.${peftNames(path)[part]}`,
          part === "m" ? tensor : transposed(tensor),
        ];
      }),
    ),
  };
};
