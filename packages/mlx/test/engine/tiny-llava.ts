/** Models that see with random weights in a folder, LLaVA and Llama 3.2 Vision, and pictures for them. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import * as mx from "../../src/core/index.ts";
import { resolveArchitecture } from "../../src/models/index.ts";
import { quantize } from "../../src/nn/index.ts";
import { randomTensor } from "../parity/random-weights.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const WORDS = 40;
const IMAGE = 40;

const llava = {
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

const mllama = {
  model_type: "mllama",
  image_token_index: WORDS + 3, // right behind the vocabulary, as released
  text_config: {
    ...llava.text_config,
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

/** @param marks - behind the words */
const tokenizerWith = (marks: readonly string[]) => ({
  added_tokens: marks.map((mark, i) => added(WORDS + i, mark)),
  model: {
    type: "WordLevel",
    unk_token: "w0",
    vocab: Object.fromEntries(Array.from({ length: WORDS }, (_, i) => [`w${i}`, i])),
  },
  pre_tokenizer: { type: "Whitespace" },
});

export const FOUR_BITS = { bits: 4, groupSize: 32 };

/** Writes each message as its role and its content, images as their placeholder. */
const templateWith = (image: string): string =>
  "{% for m in messages %}<{{ m.role }}>{% if m.content is string %}{{ m.content }}{% else %}" +
  "{% for part in m.content %}{% if part.type == 'image' %}" +
  image +
  "{% else %}{{ part.text }}{% endif %}{% endfor %}" +
  "{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

const preprocessor = {
  size: { shortest_edge: 8 },
  crop_size: { height: 8, width: 8 },
  do_center_crop: true,
};

interface Variation {
  /** False leaves out what sees. */
  readonly hasTower?: boolean;
  /** The language model has 4 bits, as converted checkpoints have it; the tower stays as it is. */
  readonly isQuantized?: boolean;
}

export const writeTinyLlava = (variation: Variation = {}): Promise<string> =>
  writeModel(llava, ["<image>", "<user>", "<assistant>"], preprocessor, variation);

/** One whose pictures are a tile each. */
export const writeTinyMllama = (): Promise<string> =>
  writeModel(
    mllama,
    ["<user>", "<assistant>", "<|begin_of_text|>", "<|image|>"],
    { size: { height: 8, width: 8 }, max_image_tiles: TILES, image_processor_type: "MllamaImageProcessor" },
    {},
  );

async function writeModel(
  config: typeof llava | typeof mllama,
  marks: readonly string[],
  imageSettings: object,
  { hasTower = true, isQuantized = false }: Variation,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "seeing-"));
  const write = (name: string, content: object) => writeFileSync(join(folder, name), JSON.stringify(content));
  const { bits, groupSize: group_size } = FOUR_BITS;
  write("config.json", { ...config, ...(isQuantized ? { quantization: { bits, group_size } } : {}) });
  write("tokenizer.json", tokenizerWith(marks));
  write("tokenizer_config.json", {
    chat_template: templateWith(marks[config.image_token_index - WORDS] ?? ""),
  });
  write("preprocessor_config.json", imageSettings);
  write("processor_config.json", { patch_size: 4, vision_feature_select_strategy: "default" });
  const model = (await resolveArchitecture(config)).vision?.bind().create();
  if (model === undefined) throw new Error(`${config.model_type} sees nothing`);
  const weights = [...model.parameters()].map(([name, { shape }]): [string, mx.MxArray] => [
    name,
    mx.array(randomTensor(5, name, shape), mx.float32, shape),
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
