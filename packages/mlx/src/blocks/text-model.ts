import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { type ForwardOptions, LanguageModel, type PromptEncoder } from "../models/language-model.ts";
import type { Module, Quantization } from "../nn/index.ts";

const PREFIX = "language_model.";

/** The language model of a multimodal one, whose checkpoints have it under `language_model`. */
export class TextModel extends LanguageModel {
  language_model: LanguageModel;

  constructor(language_model: LanguageModel) {
    super();
    this.language_model = language_model;
  }

  forward(tokens: MxArray, options: ForwardOptions = {}): MxArray {
    return this.language_model.forward(tokens, options);
  }

  override embed(tokens: MxArray): MxArray {
    return this.language_model.embed(tokens);
  }

  override project(features: MxArray): MxArray {
    return this.language_model.project(features);
  }

  override get promptEncoder(): PromptEncoder | undefined {
    return this.language_model.promptEncoder;
  }

  get layers(): readonly Module[] {
    return this.language_model.layers;
  }

  override countParameters(): number {
    return this.language_model.countParameters();
  }

  override makeCache(): LayerCache[] {
    return this.language_model.makeCache();
  }

  override quantizationOf(path: string): boolean | Partial<Quantization> {
    return this.language_model.quantizationOf(path.replace(PREFIX, ""));
  }

  /** Through the language model, which may fit itself to its weights. */
  override loadWeights(weights: ReadonlyMap<string, MxArray>, options: { strict?: boolean } = {}): void {
    const own = [...weights].map(([key, value]): [string, MxArray] => [
      key.startsWith(PREFIX) ? key.slice(PREFIX.length) : `outside ${PREFIX}${key}`,
      value,
    ]);
    this.language_model.loadWeights(new Map(own), options);
  }
}
