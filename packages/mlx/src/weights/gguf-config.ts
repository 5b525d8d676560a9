import type { ByteReader } from "./byte-reader.ts";
import { GGUF_ARCHITECTURES } from "./gguf-architectures.ts";
import { GgufFields } from "./gguf-fields.ts";
import { ggufRopeScaling } from "./gguf-rope.ts";
import type { GgufFile } from "./read-gguf.ts";
import { failWeights, quoteName } from "./weights-problem.ts";

/** Layers of the one Gemma 2 model whose attention scale is not that of its head size: 27B. */
const GEMMA2_27B_LAYERS = 46;

/** SmolLM3 leaves out rotary embeddings in every fourth layer; GGUF files do not say so. */
const SMOLLM3_NO_ROPE_INTERVAL = 4;

/**
 * The Hugging Face config of the model in a GGUF file, with the keys mlx-lm reads.
 *
 * @param reader - the file's bytes when they are not at `gguf.path`; needed for rotary factors stored as tensors
 * @throws {WeightsError} for an architecture that is not known
 * @throws {ConfigError} for metadata that is missing, wrong or asks for what is not supported
 */
export function ggufToConfig(gguf: GgufFile, reader?: ByteReader): Record<string, unknown> {
  const architecture = ggufArchitecture(gguf);
  const fields = new GgufFields(gguf, architecture);
  if (fields.optionalCount("expert_count") !== undefined) {
    fields.unsupported(
      `mixture-of-experts models are not read from GGUF files of architecture ${architecture}`,
    );
  }
  const heads = fields.count("attention.head_count");
  const hiddenSize = fields.count("embedding_length");
  const headDim = fields.optionalCount("attention.key_length") ?? hiddenSize / heads;
  const ropeDimension = fields.optionalCount("rope.dimension_count") ?? headDim;
  checkHeads(fields, headDim, ropeDimension);
  const config: Record<string, unknown> = {
    model_type: GGUF_ARCHITECTURES.get(architecture)?.modelType,
    hidden_size: hiddenSize,
    num_hidden_layers: fields.count("block_count"),
    intermediate_size: fields.count("feed_forward_length"),
    num_attention_heads: heads,
    num_key_value_heads: fields.optionalCount("attention.head_count_kv") ?? heads,
    head_dim: headDim,
    rms_norm_eps:
      fields.number("attention.layer_norm_rms_epsilon") ?? fields.count("attention.layer_norm_rms_epsilon"),
    vocab_size: vocabSize(gguf),
    max_position_embeddings: fields.count("context_length"),
    rope_theta: fields.number("rope.freq_base") ?? 10_000,
    rope_scaling: ggufRopeScaling(gguf, fields, ropeDimension, reader),
    sliding_window: fields.optionalCount("attention.sliding_window"),
    tie_word_embeddings: !hasTensor(gguf, "output.weight"),
    ...tokenIds(gguf),
    ...special(gguf, fields, { heads, hiddenSize, headDim, ropeDimension }),
  };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/**
 * The file's `general.architecture`.
 *
 * @throws {WeightsError} when there is none, or it is none whose names we know
 */
export function ggufArchitecture(gguf: GgufFile): string {
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
}

/** Keys that only some architectures have. */
function special(
  gguf: GgufFile,
  fields: GgufFields,
  sizes: { heads: number; hiddenSize: number; headDim: number; ropeDimension: number },
): Record<string, unknown> {
  switch (fields.architecture) {
    case "llama":
      return llamaBiases(gguf);
    case "smollm3":
      return { ...llamaBiases(gguf), no_rope_layer_interval: SMOLLM3_NO_ROPE_INTERVAL };
    case "gemma2": {
      const isLargest = fields.count("block_count") === GEMMA2_27B_LAYERS;
      return {
        attn_logit_softcapping: fields.number("attn_logit_softcapping") ?? 50,
        final_logit_softcapping: fields.number("final_logit_softcapping") ?? 30,
        query_pre_attn_scalar: isLargest ? sizes.hiddenSize / sizes.heads : sizes.headDim,
      };
    }
    case "phi3":
      return {
        partial_rotary_factor: sizes.ropeDimension / sizes.headDim,
        original_max_position_embeddings: fields.optionalCount("rope.scaling.original_context_length"),
      };
    default:
      return {};
  }
}

function llamaBiases(gguf: GgufFile): Record<string, boolean> {
  return {
    attention_bias: hasTensor(gguf, "blk.0.attn_q.bias"),
    mlp_bias: hasTensor(gguf, "blk.0.ffn_gate.bias"),
  };
}

function checkHeads(fields: GgufFields, headDim: number, ropeDimension: number): void {
  if (!Number.isInteger(headDim)) fields.fail("attention.head_count", "a divisor of the embedding length");
  const valueLength = fields.optionalCount("attention.value_length") ?? headDim;
  if (valueLength !== headDim) fields.fail("attention.value_length", `${headDim}, the length of a key`);
  const isPartial = ropeDimension !== headDim;
  if (isPartial && fields.architecture !== "phi3")
    fields.fail("rope.dimension_count", `${headDim}, a whole head`);
  if (ropeDimension % 2 !== 0 || ropeDimension > headDim) {
    fields.fail("rope.dimension_count", `even and at most ${headDim}`);
  }
}

function vocabSize(gguf: GgufFile): number {
  const embedding = gguf.tensors.find((tensor) => tensor.name === "token_embd.weight");
  const [rows] = embedding?.shape ?? [];
  return rows ?? failWeights(gguf.path, "missing", "has no tensor token_embd.weight");
}

function hasTensor(gguf: GgufFile, name: string): boolean {
  return gguf.tensors.some((tensor) => tensor.name === name);
}

function tokenIds(gguf: GgufFile): Record<string, unknown> {
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
