import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UnsupportedFeatureError } from "../../errors/index.ts";
import { looksLikeEmbeddingModel } from "../looks-like-embedding-model.ts";
import { looksLikeReranker } from "../looks-like-reranker.ts";
import { importEngine, importHub, importImages } from "./engine-package.ts";
import type { ModelSource } from "./model-source.ts";

/** What a model makes of texts: other text, vectors, or scores of documents. */
export type ModelKind = "text" | "vectors" | "scores";

/** What a model can do, by its files; undefined where they do not say it. */
export interface ModelFacts {
  /** Whether it takes images. */
  readonly sees: boolean | undefined;
  readonly makes: ModelKind | undefined;
}

/** Nothing is known. */
export const NO_FACTS: ModelFacts = { sees: undefined, makes: undefined };

const isGguf = (path: string): boolean => /\.gguf$/i.test(path);

async function readConfig(folder: string): Promise<Readonly<Record<string, unknown>>> {
  return Object(JSON.parse(await readFile(join(folder, "config.json"), "utf8")));
}

/** What the files in a model's folder say that it makes; undefined where they cannot be read. */
async function statedKind(folder: string): Promise<ModelKind | undefined> {
  const config = await readConfig(folder).catch(() => undefined);
  if (config === undefined) return undefined;
  const { isSequenceClassifier, seesBothWays } = await importEngine();
  const steps = await readFile(join(folder, "modules.json"), "utf8").catch(() => undefined);
  const isClassifier = isSequenceClassifier(config) && steps?.includes("Pooling") !== true;
  if (isClassifier || steps?.includes("LogitScore") === true) return "scores";
  return steps !== undefined || seesBothWays(config) ? "vectors" : "text";
}

/** What the name of a model says that it makes; undefined where it says nothing. */
export function kindByName(name: string): ModelKind | undefined {
  if (looksLikeReranker(name)) return "scores";
  return looksLikeEmbeddingModel(name) ? "vectors" : undefined;
}

/**
 * What a model makes: its files say it, or its name where a conversion left those out. Undefined where neither says it.
 *
 * @param path - its folder or `.gguf` file
 */
export async function modelKind(name: string, path: string): Promise<ModelKind | undefined> {
  const stated = isGguf(path) ? "text" : await statedKind(path);
  return stated === "vectors" || stated === "scores" ? stated : (kindByName(name) ?? stated);
}

/**
 * Refuses a model whose files say that it writes no text, where text is wanted.
 *
 * @throws {UnsupportedFeatureError} `"generation"`
 */
export async function requireWriter(name: string, path: string): Promise<void> {
  const stated = isGguf(path) ? "text" : await statedKind(path);
  if (stated !== "vectors" && stated !== "scores") return;
  const does = stated === "vectors" ? "makes vectors of texts" : "scores texts";
  const call = stated === "vectors" ? "embed" : "rerank";
  const message = `${name} ${does} and writes none; use ${call}, or take a language model`;
  throw new UnsupportedFeatureError("generation", message, { provider: "mlx" });
}

/** What is known of a model whose files are on this machine. */
export async function modelFacts({ name, hub }: ModelSource): Promise<ModelFacts> {
  try {
    const { resolveModel } = await importHub();
    const { imageModelTypes } = await importImages();
    const { path } = await resolveModel(name, { ...hub, offline: true, allowPatterns: ["config.json"] });
    const makes = await modelKind(name, path);
    if (isGguf(path)) return { sees: false, makes };
    const { model_type, vision_config } = await readConfig(path);
    const isSeeing = imageModelTypes.includes(String(model_type));
    return { sees: isSeeing && (vision_config === undefined ? undefined : true), makes };
  } catch {
    return NO_FACTS; // loading it will say what is wrong
  }
}
