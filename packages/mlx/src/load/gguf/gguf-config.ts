import type { ByteReader, GgufFile } from "../../weights/index.ts";
import { failWeights, quoteName } from "../../weights/index.ts";
import { GGUF_ARCHITECTURES } from "./gguf-architectures.ts";
import { GgufFields } from "./gguf-fields.ts";
import { ggufRopeScaling } from "./gguf-rope.ts";
import type { GgufConfig, GgufKey, GgufRow } from "./gguf-row.ts";

/**
 * The file's `general.architecture`.
 *
 * @throws {WeightsError} when there is none, or it is none whose names we know
 */
const architectureOf = (gguf: GgufFile): string => {
  const architecture = gguf.metadata.get("general.architecture");
  if (typeof architecture !== "string")
    return failWeights(gguf.path, "field", "names no general.architecture");
  if (GGUF_ARCHITECTURES.has(architecture)) return architecture;
  const known = [...GGUF_ARCHITECTURES.keys()].join(", ");
  return failWeights(
    gguf.path,
    "unsupported",
    `is a GGUF file of architecture ${quoteName(architecture)}; ${known} are read. Take the model's safetensors.`,
  );
};

const configValue = (fields: GgufFields, key: GgufKey): unknown => {
  if (typeof key === "function") return key(fields);
  return key.endsWith("?") ? fields.number(key.slice(0, -1)) : fields.required(key);
};

/**
 * The row of a file's architecture, and its metadata.
 *
 * @param reader - the file's bytes when they are not at `gguf.path`
 */
export const ggufRow = (gguf: GgufFile, reader?: ByteReader): { row: GgufRow; fields: GgufFields } => {
  const architecture = architectureOf(gguf);
  const fields = new GgufFields(gguf, architecture, reader);
  const row = GGUF_ARCHITECTURES.get(architecture);
  if (row === undefined) throw new Error(`no row of ${architecture}`);
  return { row: typeof row === "function" ? row(fields) : row, fields };
};

/**
 * The Hugging Face config of the model in a GGUF file, with the keys mlx-lm reads.
 *
 * @throws {ConfigError} for metadata that is missing, wrong or asks for what is not supported
 */
export const ggufToConfig = (gguf: GgufFile, { row, fields }: ReturnType<typeof ggufRow>): GgufConfig => {
  const config = withoutAbsent({
    ...(Object.hasOwn(row.config, "rope_scaling") ? {} : { rope_scaling: ggufRopeScaling(fields) }),
    ...Object.fromEntries(
      Object.entries(row.config).map(([key, value]) => [key, configValue(fields, value)]),
    ),
  });
  const model_type = row.modelType;
  const settings = row.isNested === true ? { vocab_size: config.vocab_size, text_config: config } : config;
  return withoutAbsent({ model_type, ...settings, ...tokenIds(gguf) });
};

const withoutAbsent = (config: GgufConfig): GgufConfig =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));

function tokenIds(gguf: GgufFile): GgufConfig {
  const id = (key: string): number | undefined => {
    const value = gguf.metadata.get(`tokenizer.ggml.${key}_token_id`);
    return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  // end of turn and end of message end an answer just as well
  const ends = new Set([id("eos"), id("eot"), id("eom")].filter((value) => value !== undefined));
  const [first] = ends;
  return {
    bos_token_id: id("bos"),
    eos_token_id: ends.size > 1 ? [...ends] : first,
    pad_token_id: id("padding"),
  };
}
