import type { KVQuantization } from "../cache/index.ts";
import type { LanguageModel, Predictor } from "../models/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { ModelAdapters } from "./model-adapters.ts";
import type { ReasoningFormat } from "./reasoning/index.ts";

/** A smaller model with the same tokens. */
export interface DraftModel {
  readonly model: LanguageModel;
  readonly vocabSize: number;
}

/** What guesses with a model's own features. */
export interface OwnPredictor {
  readonly predictor: Predictor;
}

/** What generation needs to know of a loaded model. */
export interface TextModel {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly eosTokenIds: ReadonlySet<number>;
  readonly vocabSize: number;
  readonly contextLength: number | undefined;
  readonly device: "cpu" | "gpu";
  /** How it reasons. Default: not, as far as anybody can tell. */
  readonly reasoning?: ReasoningFormat | undefined;
  /** How many tokens in a row an answer may not repeat; 0 is off. Default 0. */
  readonly noRepeatedRuns?: number | undefined;
  /** How caches are quantized. Default: not at all. */
  readonly kvQuantization?: KVQuantization | undefined;
  /** What requests may have the model compute with. Default: nothing. */
  readonly adapters?: ModelAdapters | undefined;
  /** Guesses what comes next. Default: nobody does. */
  readonly draft?: DraftModel | OwnPredictor | undefined;
  /** Whether activations inside prompts are rounded to 8 bits where that is faster. Default false. */
  readonly roundsPrompts?: boolean | undefined;
}
