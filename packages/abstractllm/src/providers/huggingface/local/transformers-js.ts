import { explainMissing } from "../../../registry/explain-missing.ts";

/** Where a model comes from and in which precision. */
export interface LoadOptions {
  cache_dir?: string;
  revision?: string;
  dtype?: "q4" | "q8";
  device: "cpu";
  progress_callback?: (progress: { status: string; file?: string; loaded?: number; total?: number }) => void;
}

/** A tensor, as far as it is used here. */
interface Tensor {
  readonly dims: readonly number[];
}

/** Turns text into tokens. */
export interface Tokenizer {
  (text: string, options: { add_special_tokens: boolean }): { input_ids: Tensor; attention_mask: Tensor };
  readonly chat_template: unknown;
  apply_chat_template(
    messages: readonly { role: string; content: string }[],
    options: { tokenize: false; add_generation_prompt: true },
  ): string;
}

/** What a model is asked. */
export interface GenerateOptions {
  input_ids: Tensor;
  attention_mask: Tensor;
  max_new_tokens: number;
  do_sample: boolean;
  temperature?: number;
  top_k?: number;
  repetition_penalty?: number;
  streamer: object;
  stopping_criteria: object;
}

/** A model that writes text. */
export interface CausalModel {
  readonly config: { readonly max_position_embeddings?: number };
  readonly generation_config?: { readonly eos_token_id?: number | readonly number[] | null } | null;
  generate(options: GenerateOptions): Promise<unknown>;
  dispose(): Promise<unknown>;
}

/** What is used of `@huggingface/transformers`; its own types are not there where it is not installed. */
export interface TransformersModule {
  readonly AutoTokenizer: { from_pretrained(model: string, options: LoadOptions): Promise<Tokenizer> };
  readonly AutoModelForCausalLM: {
    from_pretrained(model: string, options: LoadOptions): Promise<CausalModel>;
  };
  readonly TextStreamer: new (
    tokenizer: Tokenizer,
    options: {
      skip_prompt: true;
      skip_special_tokens: true;
      callback_function: (text: string) => void;
      token_callback_function: (tokens: readonly bigint[]) => void;
    },
  ) => object;
  /** Ends an answer after the token that is being computed. */
  readonly InterruptableStoppingCriteria: new () => { interrupt(): void };
  readonly random: { seed(seed: number): void };
}

const PACKAGE: string = "@huggingface/transformers";

/** @throws {UnsupportedFeatureError} with the install command where the package is not installed */
export function loadTransformers(): Promise<TransformersModule> {
  return (import(PACKAGE) as Promise<TransformersModule>).catch(explainMissing("huggingface"));
}
