/** Seeing models of real shapes with random weights, in folders that every player can load, and a picture for them. */
import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as mx from "@abstractllm/mlx/core";
import { resolveArchitecture } from "@abstractllm/mlx/models";
import sharp from "sharp";
import { writeSafetensors } from "../../packages/mlx/test/engine/write-safetensors.ts";
import type { BenchContext } from "./context.ts";

type Json = Readonly<Record<string, unknown>>;

interface VisionShape {
  /** What it is made of, for people. */
  description: string;
  /** The module of mlx-vlm that has it. */
  module: string;
  /** Holds one placeholder of an image. */
  prompt: string;
  config: Json;
  /** preprocessor_config.json */
  image: Json;
  /** processor_config.json */
  processor: Json;
}

const smollm2 = {
  hidden_size: 576,
  intermediate_size: 1536,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 8192,
  tie_word_embeddings: true,
};

const normalization = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};

/** Ids of tokens in the tokenizer that tests of images use. */
const TOKEN = { image: 264, imagePad: 268, visionStart: 269, visionEnd: 270 };
const VOCABULARY = 512;

/** By name. Small enough that stock MLX answers within a minute on two cores. */
export const VISION_SHAPES: Readonly<Record<string, VisionShape>> = {
  llava: {
    description: "LLaVA 1.5 of CLIP ViT-B/16 (224 pixels) and half of SmolLM2-135M's layers",
    module: "llava",
    prompt: "USER: <image>What is this? ASSISTANT:",
    config: {
      model_type: "llava",
      image_token_index: TOKEN.image,
      image_seq_length: 196,
      vision_feature_layer: -2,
      vision_feature_select_strategy: "default",
      text_config: {
        model_type: "llama",
        ...smollm2,
        num_hidden_layers: 15,
        vocab_size: VOCABULARY,
      },
      vision_config: {
        model_type: "clip_vision_model",
        hidden_size: 768,
        intermediate_size: 3072,
        num_hidden_layers: 12,
        num_attention_heads: 12,
        image_size: 224,
        patch_size: 16,
        projection_dim: 512,
        num_channels: 3,
        layer_norm_eps: 1e-5,
      },
    },
    image: {
      image_processor_type: "CLIPImageProcessor",
      size: { shortest_edge: 224 },
      crop_size: { height: 224, width: 224 },
      do_center_crop: true,
      do_convert_rgb: true,
      resample: 3,
      ...normalization,
    },
    processor: {
      patch_size: 16,
      vision_feature_select_strategy: "default",
      num_additional_image_tokens: 1,
      image_token: "<image>",
    },
  },
  qwen2_5_vl: {
    description:
      "Qwen2.5-VL at the picture's own size (1,369 tokens), narrow, with 4 blocks in tower and model",
    module: "qwen2_5_vl",
    prompt: "<|vision_start|><|image_pad|><|vision_end|>What is this?",
    config: {
      model_type: "qwen2_5_vl",
      ...smollm2,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      hidden_size: 512,
      num_hidden_layers: 4,
      vocab_size: VOCABULARY,
      image_token_id: TOKEN.imagePad,
      vision_start_token_id: TOKEN.visionStart,
      vision_end_token_id: TOKEN.visionEnd,
      rope_theta: 1000000,
      rope_scaling: { type: "mrope", mrope_section: [8, 12, 12] },
      vision_config: {
        model_type: "qwen2_5_vl",
        depth: 4,
        hidden_size: 320,
        intermediate_size: 856,
        out_hidden_size: 512,
        num_heads: 4,
        patch_size: 14,
        spatial_merge_size: 2,
        temporal_patch_size: 2,
        window_size: 112,
        fullatt_block_indexes: [3],
        in_chans: 3,
      },
    },
    image: {
      image_processor_type: "Qwen2VLImageProcessor",
      min_pixels: 3136,
      max_pixels: 12845056,
      patch_size: 14,
      temporal_patch_size: 2,
      merge_size: 2,
      ...normalization,
    },
    processor: {},
  },
};

/** Values as training leaves them: norms near one, the rest small. */
const randomWeight = (name: string, shape: readonly number[]): mx.MxArray => {
  const isScale = name.endsWith(".weight") && shape.length === 1;
  const value = isScale ? mx.ones(shape) : mx.multiply(mx.random.normal(shape), 0.02);
  return mx.astype(value, mx.float16);
};

const writeWeights = async (path: string, config: Json): Promise<void> => {
  const model = (await resolveArchitecture(config)).vision?.bind().create();
  if (model === undefined) throw new Error(`${config.model_type} sees nothing`);
  const tensors = [...model.parameters()].map(([name, { shape }]) => {
    const array = mx.tidy(() => randomWeight(name, shape));
    // the bits of float16, which JavaScript has no array of
    const bits = mx.tidy(() => mx.view(array, mx.uint16));
    const tensor = { shape, data: bits.toTypedArray(), dtype: "F16" };
    array.dispose();
    bits.dispose();
    return [name, tensor] as const;
  });
  model.dispose();
  writeSafetensors(path, Object.fromEntries(tensors));
};

/** Writes the model unless it is there. @returns its folder */
export const visionModelFolder = async (context: BenchContext, shape: VisionShape): Promise<string> => {
  const folder = join(context.stateDir, "vision", shape.module);
  const files = {
    "config.json": shape.config,
    "preprocessor_config.json": shape.image,
    "processor_config.json": shape.processor,
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      eos_token: "</s>",
      pad_token: "<pad>",
    },
  };
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), JSON.stringify(content));
  const goldens = join(context.root, "packages", "mlx", "test", "goldens", "images");
  copyFileSync(join(goldens, "tokenizer.json"), join(folder, "tokenizer.json"));
  const weights = join(folder, "model.safetensors");
  if (!existsSync(weights)) {
    context.tell(`vision: writing ${shape.module}`);
    await writeWeights(`${weights}.part`, shape.config);
    renameSync(`${weights}.part`, weights);
  }
  return folder;
};

/** A JPEG of shapes and gradients, 1,024 pixels wide and high. @returns its path */
export const writePicture = async (context: BenchContext): Promise<string> => {
  const side = 1024;
  const pixels = Buffer.alloc(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = 3 * (y * side + x);
      pixels[at] = x >> 2;
      pixels[at + 1] = y >> 2;
      pixels[at + 2] = ((x >> 6) ^ (y >> 6)) & 1 ? 200 : 60;
    }
  }
  const folder = join(context.stateDir, "vision");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "picture.jpg");
  const raw = { width: side, height: side, channels: 3 } as const;
  await sharp(pixels, { raw }).jpeg({ quality: 90 }).toFile(path);
  return path;
};
