import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LayerCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { EncodedPrompt } from "../../src/generation/encoded-prompt.ts";
import { resolveArchitecture } from "../../src/models/index.ts";
import { ImagePrompt, type VisionLanguageModel } from "../../src/vision/index.ts";
import { expectSameLogits } from "./compare-logits.ts";
import { decodeFloats } from "./golden.ts";
import { kindsOf, makeCheckpoint, sanitizedSha256 } from "./sanitize-checkpoint.ts";
import {
  buildSeeingModel,
  embedImages,
  readVisionGoldens,
  seeingArchitecture,
  type VisionGolden,
} from "./vision-golden.ts";

const TOLERANCE = 1e-4; // relative: towers and projections sum in another order

const floats = (array: mx.MxArray): Float32Array => array.toTypedArray() as Float32Array;

/** The prompt of a golden, ready to be evaluated. */
function preparePrompt(model: VisionLanguageModel, golden: VisionGolden): ImagePrompt | EncodedPrompt {
  const images = embedImages(model, golden);
  const { promptEncoder } = model;
  if (promptEncoder === undefined) return new ImagePrompt(model, golden.prompt, images);
  const leases = images.map((seen) => ({ features: () => seen, release: () => {} }));
  const prompt = new EncodedPrompt(model, promptEncoder, golden.prompt, leases);
  Array.from(prompt.prepare());
  return prompt;
}

/** Logits `[L + n, V]` of the prompt, in stretches of at most `size`, and of single steps after it. */
function answer(model: VisionLanguageModel, golden: VisionGolden, size: number): Float32Array {
  return mx.tidy(() => {
    const prompt = preparePrompt(model, golden);
    const cache: LayerCache[] = model.makeCache();
    const outputs: mx.MxArray[] = [];
    for (let start = 0; start < prompt.tokens.length; ) {
      const end = prompt.endOf(start, size);
      outputs.push(prompt.forward(start, end, cache));
      start = end;
    }
    prompt.finish(cache);
    for (const token of golden.steps.tokens) {
      outputs.push(model.forward(mx.array([[token]], mx.int32), { cache }));
      mx.evaluate(outputs.at(-1) ?? []);
    }
    return floats(mx.concatenate(outputs, 1));
  });
}

function describeCase(golden: VisionGolden): void {
  let model: VisionLanguageModel;
  let weightsSha256: string;
  beforeAll(async () => {
    ({ model, weightsSha256 } = await buildSeeingModel(golden));
  });
  afterAll(() => model?.dispose());

  const expected = Float32Array.from([
    ...decodeFloats(golden.prefill.logits),
    ...decodeFloats(golden.steps.logits),
  ]);
  const V = decodeFloats(golden.prefill.logits).length / (golden.start ?? golden.prompt).length;

  it("has the parameters of Python's model", () => {
    expect(weightsSha256).toBe(golden.weightsSha256);
  });

  it("knows every key of the config", async () => {
    expect((await seeingArchitecture(golden)).unknownKeys).toEqual([]);
  });

  it("puts features of images among the embeddings as Python mlx-vlm does", () => {
    mx.tidy(() => {
      const features = mx.concatenate(embedImages(model, golden).map(({ embeddings }) => embeddings));
      const merged = model.mergeEmbeddings(golden.prompt, features);
      expectSameLogits(floats(merged), decodeFloats(golden.embeddings.values), merged.dim(-1), TOLERANCE);
    });
  });

  it("answers a prompt with images, and what follows it, as Python mlx-vlm does", () => {
    expectSameLogits(answer(model, golden, golden.prompt.length), expected, V, TOLERANCE);
  });

  it.each([1, 3, 7])("gives the same logits for stretches of %i tokens", (size) => {
    expectSameLogits(answer(model, golden, size), expected, V, TOLERANCE);
  });

  it.each(golden.checkpoints)(
    "fits the weights of a repository as Python does: $layout",
    async (checkpoint) => {
      const { sanitize } = await seeingArchitecture(golden);
      mx.tidy(() => {
        const sanitized = sanitize(makeCheckpoint(golden, checkpoint));
        expect(kindsOf(sanitized)).toEqual(checkpoint.sanitized);
        expect(sanitizedSha256(sanitized)).toBe(checkpoint.sha256);
      });
    },
  );

  it("finds its tower in every layout", async () => {
    const { vision } = await resolveArchitecture(golden.config);
    for (const { tensors } of golden.checkpoints) {
      expect(Object.keys(tensors).some((name) => vision?.weights.test(name))).toBe(true);
    }
  });

  it("refuses a prompt with fewer or more image tokens than its images have", () => {
    mx.tidy(() => {
      const images = embedImages(model, golden);
      const more = [...golden.prompt, model.imageTokenId];
      expect(() => new ImagePrompt(model, more, images)).toThrow("image tokens");
      expect(() => new ImagePrompt(model, golden.prompt, images.slice(1))).toThrow("image tokens");
    });
  });
}

describe.each(readVisionGoldens())("$architecture", ({ cases }) => {
  for (const golden of cases) describe(golden.name, () => describeCase(golden));
});
