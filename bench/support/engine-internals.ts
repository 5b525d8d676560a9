/** The compiled engine below its worker, as users run it: models on the calling thread. */
import type { MxArray } from "@abstractllm/mlx/core";
import { type LanguageModel, resolveArchitecture } from "@abstractllm/mlx/models";
import type { Quantization } from "@abstractllm/mlx/nn";

/** The part of `loadModel` used here. */
interface Load {
  loadModel(
    path: string,
    options: { device: "cpu"; exact?: boolean; tokenizer?: boolean },
  ): Promise<{ model: LanguageModel }>;
}

const distFolder = (): URL => new URL("./dist/", import.meta.resolve("@abstractllm/mlx/package.json"));

/** `loadModel`, which the package does not export. */
export const importLoad = async (): Promise<Load> =>
  (await import(new URL("load/index.js", distFolder()).href)) as Load;

/** The part of `assembleModel` used here. */
interface Assemble {
  assembleModel(
    architecture: unknown,
    checkpoint: unknown,
    options: { device: "cpu"; exact: boolean; quantize: undefined },
  ): { model: LanguageModel };
}

/** A model as if its checkpoint held these quantized weights. */
export const assembleQuantized = async (
  config: Readonly<Record<string, unknown>>,
  weights: Map<string, MxArray>,
  quantization: Quantization,
): Promise<LanguageModel> => {
  const { assembleModel } = (await import(new URL("load/assemble-model.js", distFolder()).href)) as Assemble;
  const checkpoint = {
    config,
    weights,
    quantization: { standard: quantization, layers: new Map() },
    unpacked: new Set(),
  };
  const options = { device: "cpu", exact: false, quantize: undefined } as const;
  return assembleModel(await resolveArchitecture(config), checkpoint, options).model;
};
