import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import type { ImageLease } from "../../src/generation/image-store.ts";
import { PrefixCache } from "../../src/generation/prefix-cache.ts";
import { SeeingPrompt } from "../../src/generation/seeing-prompt.ts";
import type { ImageFeatures, VisionLanguageModel } from "../../src/vision/index.ts";
import { expectSameLogits } from "../parity/compare-logits.ts";
import { decodeFloats } from "../parity/golden.ts";
import { buildSeeingModel, embedImages, readVisionGoldens } from "../parity/vision-golden.ts";
import { ANSWER, ask, type Outcome } from "./ask.ts";
import { begin, end } from "./stored-prefixes.ts";

/** Without those whose encoder reads the prompt, which leave nothing to others. */
const cases = readVisionGoldens().flatMap(({ architecture, cases: [golden] }) =>
  golden === undefined || golden.start !== undefined ? [] : [{ architecture, golden }],
);

describe.each(cases)("prefixes with images of $architecture", ({ golden }) => {
  const V = decodeFloats(golden.prefill.logits).length / golden.prompt.length;
  let model: VisionLanguageModel;
  let features: ImageFeatures[];
  let others: ImageFeatures[];
  let prefixes: PrefixCache;
  beforeAll(async () => {
    mx.setDefaultDevice("cpu");
    ({ model } = await buildSeeingModel(golden));
    features = embedImages(model, golden);
    others = features.map((image) => ({ ...image, embeddings: mx.multiply(image.embeddings, -0.5) }));
  });
  beforeEach(() => {
    prefixes = new PrefixCache(2 ** 24);
  });
  afterEach(() => prefixes.clear());
  afterAll(() => model?.dispose());

  const lease = (content: string, image: ImageFeatures | undefined): ImageLease => ({
    content,
    processed: { arrays: {} } as ImageLease["processed"], // of no use once there are features
    features: () => image ?? expect.fail("no image"),
    release: () => {},
  });
  const prompt = (tokens: number[], images = features, name = "image"): SeeingPrompt =>
    new SeeingPrompt(
      model,
      tokens,
      images.map((image, i) => lease(`${name} ${i}`, image)),
    );
  const expectAlike = (make: () => SeeingPrompt): Outcome => {
    const noImages =
      model.imageTokenId >= 0 && model.imageTokenId < V ? { logitBias: { [model.imageTokenId]: -1e4 } } : {};
    const outcome = ask(model, make(), prefixes, noImages);
    const expected = ask(model, make(), undefined, noImages);
    expectSameLogits(outcome.logits, expected.logits, V);
    expect(outcome.tokens).toEqual(expected.tokens);
    return outcome;
  };

  const first = [...golden.prompt];
  const beforeImages = (): number => first.indexOf(model.imageTokenId);

  it("go on behind an answer about them, at the right positions", () => {
    const { tokens } = expectAlike(() => prompt(first));
    const second = [...first, ...tokens.slice(0, -1), ...golden.steps.tokens, 3, 5];
    const { reused } = expectAlike(() => prompt(second));
    // where the whole prompt sees itself, nothing can be read before the rest is known
    expect(reused).toBe(model.seesWhole === "prompt" ? 0 : first.length + ANSWER - 1);
  });

  it("serve an image that comes again later on", ({ skip }) => {
    if (model.seesWhole === "prompt") skip("the whole prompt sees itself");
    const { tokens } = expectAlike(() => prompt(first));
    const second = [...first, ...tokens.slice(0, -1), ...first];
    const { reused } = expectAlike(
      () =>
        new SeeingPrompt(model, second, [
          ...features.map((image, i) => lease(`image ${i}`, image)),
          ...features.map((image, i) => lease(`image ${i}`, image)),
        ]),
    );
    expect(reused).toBe(first.length + ANSWER - 1);
  });

  it("serve after a restart, where the model does not attend across", () => {
    const root = mkdtempSync(join(tmpdir(), "prefixes-"));
    prefixes = begin(model, root);
    const { tokens } = expectAlike(() => prompt(first));
    const attendsAcross = prefixes.bytes > 0 && model.makeCache().some((cache) => cache.hold !== undefined);
    expect(end(prefixes)).toEqual([]);
    prefixes = begin(model, root);
    const second = [...first, ...tokens.slice(0, -1), ...golden.steps.tokens, 3, 5];
    const { reused } = expectAlike(() => prompt(second));
    const isKept = model.seesWhole !== "prompt" && !attendsAcross;
    expect(reused).toBe(isKept ? first.length + ANSWER - 1 : 0);
    expect(expectAlike(() => prompt(second, others, "other")).reused).toBeLessThanOrEqual(beforeImages());
    expect(end(prefixes)).toEqual([]);
    rmSync(root, { recursive: true });
  });

  it("never serve another image under the same tokens", () => {
    expectAlike(() => prompt(first));
    const { reused } = expectAlike(() => prompt(first, others, "other"));
    expect(reused).toBeLessThanOrEqual(beforeImages());
  });
});
