import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isForeignExtension } from "./file-magic.ts";
import { readSafetensorsHeader } from "./safetensors-header.ts";
import { readSafetensorsIndex } from "./safetensors-index.ts";
import type { TensorSource } from "./tensor-source.ts";
import { failWeights, quoteName } from "./weights-problem.ts";

const INDEX_NAME = "model.safetensors.index.json";
const WEIGHTS_NAME = /^model.*\.safetensors$/;

/**
 * Finds every tensor of a model folder: the shards that `model.safetensors.index.json` names, else
 * `model*.safetensors`. An index none of whose shards exist is taken as left over from another checkpoint, as
 * quantized copies on the hub have it. Shards are plain names in `folder`; symbolic links are followed, because the
 * Hugging Face cache consists of them and a download cannot make one.
 *
 * @throws {WeightsError} when there are no weights, a shard is missing, index and shards disagree, or two shards
 *   have the same tensor
 */
export function resolveSafetensors(folder: string): TensorSource[] {
  const found = listFolder(folder);
  const candidates = found.filter((name) => WEIGHTS_NAME.test(name)).sort();
  if (found.includes(INDEX_NAME)) {
    const index = readSafetensorsIndex(join(folder, INDEX_NAME));
    const shards = [...new Set(index.values())].sort();
    const isLeftOver = candidates.length > 0 && shards.every((shard) => !existsSync(join(folder, shard)));
    if (!isLeftOver) return readIndexed(folder, index, shards);
  }
  if (candidates.length === 0) return failNoWeights(folder, found);
  return [...readShards(folder, candidates).values()];
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    const problem = code === "ENOENT" ? "missing" : "unreadable";
    return failWeights(folder, problem, `cannot be read as a model folder (${code})`, { cause });
  }
}

function readIndexed(folder: string, index: Map<string, string>, shards: readonly string[]): TensorSource[] {
  const indexPath = join(folder, INDEX_NAME);
  const missing = shards.filter((shard) => !existsSync(join(folder, shard)));
  if (missing.length > 0) {
    const names = missing.slice(0, 5).map(quoteName).join(", ");
    const message = `${missing.length} of ${shards.length} shards are missing (${names}). Download the model again.`;
    failWeights(indexPath, "missing", message, { details: { missing } });
  }
  const tensors = readShards(folder, shards);
  for (const [name, shard] of index) {
    const tensor = tensors.get(name);
    if (tensor?.path === join(folder, shard)) continue;
    const where = tensor === undefined ? "no shard has it" : "another shard has it";
    failWeights(
      indexPath,
      "mismatch",
      `says that ${quoteName(shard)} has tensor ${quoteName(name)}, but ${where}`,
    );
  }
  return [...tensors.values()];
}

function readShards(folder: string, shards: readonly string[]): Map<string, TensorSource> {
  const tensors = new Map<string, TensorSource>();
  for (const shard of shards) {
    const path = join(folder, shard);
    for (const tensor of readSafetensorsHeader(path).tensors) {
      if (tensors.has(tensor.name)) {
        failWeights(path, "duplicate", `tensor ${quoteName(tensor.name)} is in another shard as well`);
      }
      tensors.set(tensor.name, tensor);
    }
  }
  return tensors;
}

function failNoWeights(folder: string, found: readonly string[]): never {
  const foreign = found.filter(isForeignExtension).sort();
  const [first] = foreign;
  if (first === undefined) return failWeights(folder, "missing", "has no model*.safetensors");
  return failWeights(
    folder,
    "foreign-format",
    `has no safetensors, only ${quoteName(first)}. Such files are not loaded, because they can run code or need ` +
      "their own library; convert the model to safetensors first, or take a repository that has them.",
    { details: { found: foreign } },
  );
}
