import type { MxArray } from "../core/index.ts";
import type { QuantizationConfig } from "./quantization-config.ts";

/** A model on disk, opened: its config and weights under Hugging Face keys. */
export interface Checkpoint {
  /** Parsed `config.json`, or its equivalent from GGUF metadata. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: Readonly<Record<string, unknown>>;
  readonly weights: Map<string, MxArray>;
  /** Undefined when the weights are dense. */
  readonly quantization: QuantizationConfig | undefined;
  /** Bytes of all weights on disk. */
  readonly weightBytes: number;
}
