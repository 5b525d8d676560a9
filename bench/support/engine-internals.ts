/** The compiled engine below its worker, as users run it: models on the calling thread. */
import type { LayerCache } from "@abstractllm/mlx/cache";
import type { Device, MxArray } from "@abstractllm/mlx/core";
import { type LanguageModel, resolveArchitecture } from "@abstractllm/mlx/models";
import type { Quantization } from "@abstractllm/mlx/nn";

/** The part of `loadModel` used here. */
interface Load {
  loadModel(
    path: string,
    options: { device: Device; exact?: boolean; tokenizer?: boolean },
  ): Promise<{ model: LanguageModel }>;
}

const distFolder = (): URL => new URL("./dist/", import.meta.resolve("@abstractllm/mlx/package.json"));

/** `loadModel`, which the package does not export. */
export const importLoad = async (): Promise<Load> =>
  (await import(new URL("load/index.js", distFolder()).href)) as Load;

/** A prompt in the hands of the engine. */
interface Sequence {
  prefill(): Iterable<number>;
  release(): { caches: LayerCache[]; pending: MxArray };
  dispose(): void;
}

interface Reading {
  TokenSequence: new (
    model: LanguageModel,
    prompt: object,
    options: { sampling: object; vocabSize: number; prefillStepSize: number; roundsPrompt: boolean },
  ) => Sequence;
}

interface Prompts {
  TextPrompt: new (model: LanguageModel, tokens: readonly number[]) => object;
}

/** Reads a prompt as the engine does; gives the caches, which hold all of it. */
export const importPromptReader = async (): Promise<
  (model: LanguageModel, tokens: readonly number[], roundsPrompt: boolean) => LayerCache[]
> => {
  const { TokenSequence } = (await import(
    new URL("generation/token-sequence.js", distFolder()).href
  )) as Reading;
  const { TextPrompt } = (await import(new URL("generation/prompt.js", distFolder()).href)) as Prompts;
  return (model, tokens, roundsPrompt) => {
    const options = { sampling: {}, vocabSize: Number.POSITIVE_INFINITY, prefillStepSize: 512, roundsPrompt };
    const sequence = new TokenSequence(model, new TextPrompt(model, tokens), options);
    for (const _ of sequence.prefill());
    const { caches, pending } = sequence.release();
    pending.dispose();
    sequence.dispose();
    return caches;
  };
};

/** The part of `assembleModel` used here. */
interface Assemble {
  assembleModel(
    architecture: unknown,
    checkpoint: unknown,
    options: { device: Device; exact: boolean; quantize: undefined },
  ): { model: LanguageModel };
}

/** A model as if its checkpoint held these quantized weights. */
export const assembleQuantized = async (
  config: Readonly<Record<string, unknown>>,
  weights: Map<string, MxArray>,
  quantization: Quantization,
  device: Device,
): Promise<LanguageModel> => {
  const { assembleModel } = (await import(new URL("load/assemble-model.js", distFolder()).href)) as Assemble;
  const checkpoint = {
    config,
    weights,
    quantization: { standard: quantization, layers: new Map() },
    unpacked: new Set(),
  };
  const options = { device, exact: false, quantize: undefined } as const;
  return assembleModel(await resolveArchitecture(config), checkpoint, options).model;
};
