import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveArchitecture } from "../models/index.ts";
import { VisionLanguageModel } from "../vision/index.ts";
import { openImageProcessor } from "./open-image-processor.ts";

const TEXT = {
  model_type: "qwen2",
  hidden_size: 32,
  num_hidden_layers: 1,
  intermediate_size: 48,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  rms_norm_eps: 1e-6,
  vocab_size: 64,
};
const INTERNVL = {
  model_type: "internvl_chat",
  llm_config: TEXT,
  vision_config: {
    hidden_size: 32,
    num_hidden_layers: 1,
    intermediate_size: 48,
    num_attention_heads: 2,
    image_size: 28,
  },
};
const LLAVA = {
  model_type: "llava",
  image_token_index: 60,
  text_config: TEXT,
  vision_config: INTERNVL.vision_config,
};

const tokenizer = { tokenToId: (token: string) => (token === "<IMG_CONTEXT>" ? 42 : undefined) };

describe("openImageProcessor", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "images-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The image token of a model after its processor was opened with a tokenizer. */
  async function imageToken(config: Record<string, unknown>, vocabulary: typeof tokenizer | undefined) {
    const model = (await resolveArchitecture(config)).vision?.bind().create();
    if (!(model instanceof VisionLanguageModel)) throw new Error("sees nothing");
    try {
      openImageProcessor(model, folder, config, vocabulary);
      return model.imageTokenId;
    } finally {
      model.dispose();
    }
  }

  it("takes InternVL's image token from the tokenizer, whose vocabulary it depends on", async () => {
    expect(await imageToken(INTERNVL, tokenizer)).toBe(42);
    expect(await imageToken(INTERNVL, undefined)).toBe(151667);
  });

  it("takes LLaVA's from the config", async () => {
    expect(await imageToken(LLAVA, tokenizer)).toBe(60);
  });

  it("refuses a tokenizer without the image token", async () => {
    await expect(imageToken(INTERNVL, { tokenToId: () => undefined })).rejects.toThrow(
      "The tokenizer has no token <IMG_CONTEXT>",
    );
  });
});
