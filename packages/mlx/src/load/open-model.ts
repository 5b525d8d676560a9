import { statSync } from "node:fs";
import { MlxError } from "../errors.ts";
import type { BoundArchitecture } from "../models/index.ts";
import type { Module } from "../nn/index.ts";
import { loadTokenizer, type Tokenizer, tokenizerFromGguf } from "../tokenizer/index.ts";
import { type GgufFile, readGguf } from "../weights/index.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { mapGguf } from "./gguf/map-gguf.ts";
import { openGguf } from "./gguf/open-gguf.ts";
import { openSafetensors, readModelConfig } from "./open-safetensors.ts";

/** Finds the architecture of a parsed `config.json`. */
type Resolve<M extends Module> = (config: Readonly<Record<string, unknown>>) => Promise<BoundArchitecture<M>>;

/** Options of {@link openModel}. */
export interface OpenOptions {
  /** Whether to read the tokenizer. */
  readonly tokenizer: boolean;
  /** Whether what a GGUF file has quantized in ways MLX has not becomes 8 bits. */
  readonly repack: boolean;
}

/** The files of a model, opened; its weights are mapped. */
export interface OpenedModel<M extends Module> {
  readonly architecture: BoundArchitecture<M>;
  readonly checkpoint: Checkpoint;
  readonly tokenizer: Tokenizer | undefined;
  /** Undefined for a folder. */
  readonly gguf: GgufFile | undefined;
}

/** Whether a path is of a GGUF file. */
export const isGgufPath = (path: string): boolean => path.toLowerCase().endsWith(".gguf");

/** @throws {MlxError} `model-not-found` for a path that is neither a folder nor a `.gguf` file */
export const checkExists = (path: string): void => {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined)
    throw new MlxError("model-not-found", `There is no model at ${path}`, { details: { path } });
  if (info.isFile() && !isGgufPath(path)) {
    throw new MlxError(
      "model-not-found",
      `Expected a model folder or a .gguf file but received the file ${path}`,
    );
  }
};

const openFolder = async <M extends Module>(
  folder: string,
  resolve: Resolve<M>,
  options: OpenOptions,
): Promise<OpenedModel<M>> => {
  const config = readModelConfig(folder);
  const architecture = await resolve(config);
  const tokenizer = options.tokenizer ? loadTokenizer(folder) : undefined;
  return { architecture, tokenizer, checkpoint: openSafetensors(folder, config), gguf: undefined };
};

const openGgufFile = async <M extends Module>(
  path: string,
  resolve: Resolve<M>,
  { repack, ...options }: OpenOptions,
): Promise<OpenedModel<M>> => {
  const gguf = readGguf(path);
  const mapped = mapGguf(gguf);
  const architecture = await resolve(mapped.config);
  const tokenizer = options.tokenizer
    ? tokenizerFromGguf(gguf.metadata, () => readGguf(path).metadata)
    : undefined;
  return { architecture, tokenizer, checkpoint: openGguf(gguf, mapped, { repack }), gguf };
};

/**
 * Opens what fails fast first: the config, the tokenizer, then the weights.
 *
 * @param path - a model folder or a `.gguf` file
 * @throws {MlxError} `model-not-found`, `config`, `weights`, `tokenizer`, and as `resolve`
 */
export const openModel = async <M extends Module>(
  path: string,
  resolve: Resolve<M>,
  options: OpenOptions,
): Promise<OpenedModel<M>> => {
  checkExists(path);
  const open = isGgufPath(path) ? openGgufFile : openFolder;
  return open(path, resolve, options);
};
