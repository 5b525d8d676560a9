/** Adapters of SmolLM2-135M with random matrices, small enough that answers stay what they are. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeSafetensors } from "../../packages/mlx/test/engine/write-safetensors.ts";

const LAYERS = 30;
const [E, F, KEYS] = [576, 1536, 192];

/** `[K, N]` of each matrix of a layer. */
const MATRICES = {
  "self_attn.q_proj": [E, E],
  "self_attn.k_proj": [E, KEYS],
  "self_attn.v_proj": [E, KEYS],
  "self_attn.o_proj": [E, E],
  "mlp.gate_proj": [E, F],
  "mlp.up_proj": [E, F],
  "mlp.down_proj": [F, E],
} as const;

export interface RandomAdapter {
  kind: "lora" | "dora";
  rank: number;
  /** Matrices by the ends of their names; all where there are none. */
  of?: readonly string[];
}

const randomTensor = (shape: readonly number[], from: number, to: number) => ({
  shape,
  data: Float32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    () => from + (to - from) * Math.random(),
  ),
});

/** Writes an adapter as mlx-lm does. @param folder - an empty one */
export const writeRandomAdapter = (folder: string, { kind, rank, of }: RandomAdapter): void => {
  const tensors: Record<string, ReturnType<typeof randomTensor>> = {};
  for (const [matrix, [K, N]] of Object.entries(MATRICES)) {
    if (of !== undefined && !of.some((name) => matrix.endsWith(name))) continue;
    for (let layer = 0; layer < LAYERS; layer++) {
      const path = `model.layers.${layer}.${matrix}`;
      tensors[`${path}.lora_a`] = randomTensor([K, rank], -0.04, 0.04);
      tensors[`${path}.lora_b`] = randomTensor([rank, N], -0.01, 0.01);
      if (kind === "dora") tensors[`${path}.m`] = randomTensor([N], 2.9, 3.1);
    }
  }
  const config = { fine_tune_type: kind, lora_parameters: { rank, scale: 1 } };
  writeFileSync(join(folder, "adapter_config.json"), JSON.stringify(config));
  writeSafetensors(join(folder, "adapters.safetensors"), tensors);
};
