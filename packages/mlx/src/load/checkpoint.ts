import type { Dtype, MxArray } from "../core/index.ts";
import type { QuantizationConfig } from "./quantization-config.ts";

/** A model on disk, opened: its config and weights under Hugging Face keys. */
export interface Checkpoint {
  /** Parsed `config.json`, or its equivalent from GGUF metadata. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: Readonly<Record<string, unknown>>;
  readonly weights: Map<string, MxArray>;
  /** Undefined when the weights are dense. */
  readonly quantization: QuantizationConfig | undefined;
  /** How many matrices of types that MLX has not were packed in 8 bits. */
  readonly repacked: number;
  /** Dtype of dense weights on a GPU when the file does not say what the model computes in. */
  readonly computeDtype: Dtype | undefined;
  /** Bytes of all weights on disk. */
  readonly weightBytes: number;
}
