/** Models with random weights in folders that see, and pictures for them. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import * as mx from "../../src/core/index.ts";
import type { ChatMessage } from "../../src/engine/index.ts";
import { resolveArchitecture } from "../../src/models/index.ts";
import { quantize } from "../../src/nn/index.ts";
import { randomTensor } from "../parity/random-weights.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const WORDS = 40;
const IMAGE = 40;

const config = {
  model_type: "llava",
  image_token_index: IMAGE,
  text_config: {
    model_type: "llama",
    hidden_size: 32,
    num_hidden_layers: 2,
    intermediate_size: 64,
    num_attention_heads: 2,
    num_key_value_heads: 2,
    rms_norm_eps: 1e-5,
    vocab_size: 48,
    max_position_embeddings: 512,
  },
  vision_config: {
    model_type: "clip_vision_model",
    hidden_size: 32,
    num_hidden_layers: 3,
    intermediate_size: 64,
    num_attention_heads: 2,
    image_size: 8,
    patch_size: 4,
  },
};

const TILES = 4;

/** Llama 3.2 Vision, whose token for images is right behind the vocabulary. */
const mllama = {
  model_type: "mllama",
  image_token_index: WORDS + 3,
  text_config: {
    ...config.text_config,
    model_type: "mllama_text_model",
    vocab_size: WORDS + 3,
    num_hidden_layers: 3,
    cross_attention_layers: [1],
  },
  vision_config: {
    model_type: "mllama_vision_model",
    hidden_size: 32,
    num_hidden_layers: 2,
    num_global_layers: 1,
    intermediate_size: 64,
    attention_heads: 2,
    image_size: 8,
    patch_size: 4,
    max_num_tiles: TILES,
    intermediate_layers_indices: [1],
    vision_output_dim: 64,
  },
};

const added = (id: number, content: string) => ({
  id,
  content,
  special: true,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
});

/**
 * `tokenizer.json` of 40 words.
 *
 * @param marks - behind the words
 */
export const tokenizerWith = (marks: readonly string[]) => ({
  added_tokens: marks.map((mark, i) => added(WORDS + i, mark)),
  model: {
    type: "WordLevel",
    unk_token: "w0",
    vocab: Object.fromEntries(Array.from({ length: WORDS }, (_, i) => [`w${i}`, i])),
  },
  pre_tokenizer: { type: "Whitespace" },
});
const tokenizer = tokenizerWith(["<image>", "<user>", "<assistant>"]);

export const FOUR_BITS = { bits: 4, groupSize: 32 };

/** Writes each message as its role and its content, images as `<image>`. */
const template =
  "{% for m in messages %}<{{ m.role }}>{% if m.content is string %}{{ m.content }}{% else %}" +
  "{% for part in m.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}" +
  "{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

const preprocessor = {
  size: { shortest_edge: 8 },
  crop_size: { height: 8, width: 8 },
  do_center_crop: true,
};

/** FastVLM of two stages, which has no token for images. */
const fastvlm = {
  ...config.text_config,
  model_type: "llava_qwen2",
  tie_word_embeddings: false,
  mm_hidden_size: 64,
  vision_config: {
    layers: [1, 1],
    embed_dims: [32, 32],
    token_mixers: ["repmixer", "attention"],
    patch_size: 8,
  },
};

/**
 * Writes a LLaVA.
 *
 * @param hasTower - false leaves out what sees
 * @param isQuantized - the language model has 4 bits, as converted checkpoints have it; the tower stays as it is
 */
export async function writeTinyLlava({ hasTower = true, isQuantized = false } = {}): Promise<string> {
  const { bits, groupSize: group_size } = FOUR_BITS;
  const files = {
    "config.json": { ...config, ...(isQuantized ? { quantization: { bits, group_size } } : {}) },
    "preprocessor_config.json": preprocessor,
    "processor_config.json": { patch_size: 4, vision_feature_select_strategy: "default" },
  };
  return writeModel(files, { hasTower, isQuantized });
}

/** Writes a FastVLM. */
export const writeTinyFastVlm = (): Promise<string> =>
  writeModel(
    {
      "config.json": fastvlm,
      "preprocessor_config.json": { size: { shortest_edge: 16 }, crop_size: { height: 16, width: 16 } },
    },
    { hasTower: true, isQuantized: false },
  );

/** Writes a Llama 3.2 Vision, whose pictures are a tile each. */
export const writeTinyMllama = (): Promise<string> =>
  writeModel(
    {
      "config.json": mllama,
      "preprocessor_config.json": { size: { height: 8, width: 8 }, max_image_tiles: TILES },
      "tokenizer.json": tokenizerWith(["<user>", "<assistant>", "<|begin_of_text|>", "<|image|>"]),
      "tokenizer_config.json": { chat_template: template.replace("<image>", "<|image|>") },
    },
    { hasTower: true, isQuantized: false },
  );

/** Florence 2 of two stages, with a token for images right behind the vocabulary. */
const florence2 = {
  model_type: "florence2",
  image_token_id: WORDS + 3,
  text_config: {
    d_model: 32,
    vocab_size: WORDS + 3,
    max_position_embeddings: 48,
    encoder_layers: 2,
    decoder_layers: 2,
    encoder_attention_heads: 2,
    decoder_attention_heads: 2,
    encoder_ffn_dim: 64,
    decoder_ffn_dim: 64,
    decoder_start_token_id: WORDS + 1,
    forced_bos_token_id: WORDS,
    eos_token_id: WORDS + 1,
  },
  vision_config: {
    depths: [1, 1],
    dim_embed: [16, 32],
    num_heads: [2, 2],
    num_groups: [2, 2],
    patch_size: [3, 3],
    patch_stride: [2, 2],
    patch_padding: [1, 1],
    patch_prenorm: [false, true],
    window_size: 3,
  },
};

/** Writes a Florence 2, whose pictures are four places and their mean. It has no chat template. */
export const writeTinyFlorence2 = (generation: Readonly<Record<string, number>> = {}): Promise<string> =>
  writeModel(
    {
      "config.json": florence2,
      "generation_config.json": generation,
      "preprocessor_config.json": {
        size: { height: 8, width: 8 },
        crop_size: { height: 8, width: 8 },
        do_center_crop: false,
        image_seq_length: 5,
      },
      "tokenizer.json": tokenizerWith(["<s>", "</s>", "<pad>"]),
      "tokenizer_config.json": {},
    },
    { hasTower: true, isQuantized: false, seed: 8 }, // one whose answers change with what is seen
  );

async function writeModel(
  files: Readonly<Record<string, object>> & { readonly "config.json": Readonly<Record<string, unknown>> },
  { hasTower, isQuantized, seed = 5 }: { hasTower: boolean; isQuantized: boolean; seed?: number },
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "seeing-"));
  const all = { "tokenizer.json": tokenizer, "tokenizer_config.json": { chat_template: template }, ...files };
  for (const [name, content] of Object.entries(all)) {
    writeFileSync(join(folder, name), JSON.stringify(content));
  }
  const model = (await resolveArchitecture(files["config.json"])).vision?.bind().create();
  if (model === undefined) throw new Error("The model sees nothing");
  const weights = [...model.parameters()].map(([name, { shape }]): [string, mx.MxArray] => [
    name,
    mx.array(randomTensor(seed, name, shape), mx.float32, shape),
  ]);
  model.loadWeights(new Map(weights));
  if (isQuantized) quantize(model, FOUR_BITS, (path) => model.quantizationOf(path));
  const tensors = [...model.parameters()]
    .filter(([name]) => hasTower || name.startsWith("language_model."))
    .map(([name, array]) => {
      const dtype = array.dtype === mx.uint32 ? "U32" : "F32";
      return [name, { shape: array.shape, data: array.toTypedArray(), dtype }];
    });
  writeSafetensors(join(folder, "model.safetensors"), Object.fromEntries(tensors));
  model.dispose();
  return folder;
}

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
};

/** A PNG of 8 by 8 pixels whose colors follow from `seed`. */
export function picture(seed: number): Uint8Array {
  const header = Buffer.from([0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0]);
  const rows = Array.from({ length: 8 }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: 24 }, (_, x) => (seed * 71 + y * 31 + x * 13) % 256)]),
  );
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = deflateSync(Buffer.concat(rows));
  return new Uint8Array(
    Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]),
  );
}

/** A message of the user that shows images before it says something. */
export const show = (text: string, ...images: Uint8Array[]): ChatMessage => ({
  role: "user",
  content: [...images.map((image) => ({ type: "image", image }) as const), { type: "text", text }],
});
