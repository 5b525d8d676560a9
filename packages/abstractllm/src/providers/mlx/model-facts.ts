import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import { looksLikeEmbeddingModel } from "../looks-like-embedding-model.ts";
import { importEngine, importHub, importImages } from "./engine-package.ts";
import type { ModelSource } from "./model-source.ts";

/** What a model can do, by its files; undefined where they do not say it. */
export interface ModelFacts {
  /** Whether it takes images. */
  readonly sees: boolean | undefined;
  /** Whether it makes vectors of texts, and writes none. */
  readonly embeds: boolean | undefined;
}

/** Nothing is known. */
export const NO_FACTS: ModelFacts = { sees: undefined, embeds: undefined };

const isGguf = (path: string): boolean => /\.gguf$/i.test(path);

async function readConfig(folder: string): Promise<Readonly<Record<string, unknown>>> {
  return Object(JSON.parse(await readFile(join(folder, "config.json"), "utf8")));
}

/** Whether the files in a model's folder say that it makes vectors of texts; undefined where they cannot be read. */
async function statesVectors(folder: string): Promise<boolean | undefined> {
  const config = await readConfig(folder).catch(() => undefined);
  if (config === undefined) return undefined;
  const { seesBothWays } = await importEngine();
  return existsSync(join(folder, "modules.json")) || seesBothWays(config);
}

/**
 * Whether a model makes vectors of texts: its files say it, or its name where a conversion left those out. Undefined where
 * the files cannot be read.
 *
 * @param path - its folder or `.gguf` file
 */
export async function embedsTexts(name: string, path: string): Promise<boolean | undefined> {
  if (looksLikeEmbeddingModel(name)) return true;
  return isGguf(path) ? false : statesVectors(path);
}

/**
 * Refuses a model whose files say that it makes vectors, where text is wanted.
 *
 * @throws {UnsupportedFeatureError} `"generation"`
 */
export async function requireWriter(name: string, path: string): Promise<void> {
  if (isGguf(path) || (await statesVectors(path)) !== true) return;
  const message = `${name} makes vectors of texts and writes none; use embed, or take a language model`;
  throw new UnsupportedFeatureError("generation", message, { provider: "mlx" });
}

/** What is known of a model whose files are on this machine. */
export async function modelFacts({ name, hub }: ModelSource): Promise<ModelFacts> {
  try {
    const { resolveModel } = await importHub();
    const { imageModelTypes } = await importImages();
    const { path } = await resolveModel(name, { ...hub, offline: true, allowPatterns: ["config.json"] });
    const embeds = await embedsTexts(name, path);
    if (isGguf(path)) return { sees: false, embeds };
    const { model_type, vision_config } = await readConfig(path);
    const isSeeing = imageModelTypes.includes(String(model_type));
    return { sees: isSeeing && (vision_config === undefined ? undefined : true), embeds };
  } catch {
    return NO_FACTS; // loading it will say what is wrong
  }
}
