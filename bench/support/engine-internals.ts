/** The compiled engine below its worker, as users run it: models on the calling thread. */
import type { LanguageModel } from "@abstractllm/mlx/models";

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
