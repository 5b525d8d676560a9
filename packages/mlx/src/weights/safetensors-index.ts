import { isUtf8 } from "node:buffer";
import { type ByteReader, withFileReader } from "./byte-reader.ts";
import { JsonScanner } from "./json-scanner.ts";
import { MAX_INDEX_BYTES, MAX_TENSORS } from "./limits.ts";
import { failWeights, quoteName } from "./weights-problem.ts";

/**
 * Reads `model.safetensors.index.json`: which tensor is in which shard.
 *
 * @returns tensor name to shard file name, in the order of the file
 * @throws {WeightsError} when it is damaged, or a shard is not a plain file name in the same folder
 */
export function readSafetensorsIndex(path: string): Map<string, string> {
  return withFileReader(path, (reader) => parseSafetensorsIndex(reader, path));
}

function parseSafetensorsIndex(reader: ByteReader, path: string): Map<string, string> {
  if (reader.size > MAX_INDEX_BYTES)
    failWeights(path, "limit", `is ${reader.size} bytes, over ${MAX_INDEX_BYTES}`);
  const bytes = reader.read(0, reader.size);
  if (!isUtf8(bytes)) failWeights(path, "encoding", "the index is not UTF-8");
  const json = new JsonScanner(bytes, path);
  let shards: Map<string, string> | undefined;
  json.readObject("the index", (key) => {
    if (key !== "weight_map") json.skipValue();
    else if (shards !== undefined) failWeights(path, "duplicate", "has weight_map twice");
    else shards = scanWeightMap(json, path);
  });
  json.expectEnd();
  return shards ?? failWeights(path, "field", "has no weight_map");
}

function scanWeightMap(json: JsonScanner, path: string): Map<string, string> {
  const shards = new Map<string, string>();
  json.readObject("weight_map", (name) => {
    if (shards.has(name)) failWeights(path, "duplicate", `tensor ${quoteName(name)} is listed twice`);
    if (shards.size >= MAX_TENSORS) failWeights(path, "limit", `lists more than ${MAX_TENSORS} tensors`);
    shards.set(name, shardName(json.readString("a shard"), path));
  });
  return shards;
}

/** Only a plain name can be trusted to stay in the folder on every platform (CWE-22). */
function shardName(name: string, path: string): string {
  const isPlain = /^[^/\\:\0]+\.safetensors$/.test(name);
  if (isPlain) return name;
  return failWeights(
    path,
    "path",
    `names the shard ${quoteName(name)}; only *.safetensors beside the index are read`,
  );
}
