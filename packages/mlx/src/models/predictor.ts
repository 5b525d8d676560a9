import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { Module, type Quantization } from "../nn/index.ts";
import type { LanguageModel } from "./language-model.ts";

/** What a prediction is made of. */
export interface PredictionInputs {
  /** The model whose tokens are predicted. */
  readonly model: LanguageModel;
  /** Its caches, which hold everything before the last of the tokens; none for a predictor that sees them itself. */
  readonly modelCache: readonly LayerCache[];
  /** Tokens in a row, int32 `[1, L]`. */
  readonly tokens: MxArray;
  /**
   * What the model's output layer read at the place before each of them (`ForwardOptions`), or what the last prediction
   * gives in its stead, `[1, L, E]`.
   */
  readonly features: MxArray;
  /** What the predictor remembers of the tokens before, from its `makeCache`. */
  readonly cache: readonly LayerCache[];
}

/** What may come behind tokens. */
export interface Prediction {
  /** Logits of the token behind the last one, `[1, V]`. */
  readonly logits: MxArray;
  /** What the model's output layer may read at each of the tokens, `[1, L, E]`. */
  readonly features: MxArray;
}

/** Predicts several tokens from what a model computed for the one before them: a drafter that needs no model of its own. */
export abstract class Predictor extends Module {
  /** Width of the features, `E`. */
  abstract readonly width: number;
  /** Tokens that its logits stand for, `V`. */
  abstract readonly vocabSize: number;
  /** Whether it sees every token with its features, instead of what the model's caches hold. */
  abstract readonly seesTokens: boolean;

  abstract predict(inputs: PredictionInputs): Prediction;

  /** Fresh caches of its own. Default: it remembers nothing. */
  makeCache(): LayerCache[] {
    return [];
  }

  /** As of a language model. Default: as asked for. */
  quantizationOf(_path: string): boolean | Partial<Quantization> {
    return true;
  }
}
