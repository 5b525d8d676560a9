import type { PoolingMode } from "../blocks/pooling.ts";
import type { TextPrompts } from "./text-prompts.ts";

/** A layer behind the pooling. */
export interface DenseSettings {
  readonly inputDims: number;
  readonly outputDims: number;
  readonly hasBias: boolean;
  readonly activation: DenseActivation;
  /** Where its weights are; undefined where they are among the model's. */
  readonly folder: string | undefined;
}

/** What may follow such a layer. */
export const denseActivations = ["identity", "tanh", "relu", "gelu", "silu"] as const;

/** One of {@link denseActivations}. */
export type DenseActivation = (typeof denseActivations)[number];

/** How a model's files say that vectors are made of its states. */
export interface EmbeddingSettings {
  /** Several give vectors one behind the other. */
  readonly pooling: readonly PoolingMode[];
  /** Whether the tokens of a prompt count in the pooling. */
  readonly poolsPrompt: boolean;
  readonly dense: readonly DenseSettings[];
  /** Whether vectors get length 1. */
  readonly normalizes: boolean;
  /** Most tokens of a text, where the files say it besides the config. */
  readonly maxLength: number | undefined;
  readonly lowerCases: boolean;
  readonly prompts: TextPrompts;
  /** What was decided for the user. */
  readonly warnings: readonly string[];
}
