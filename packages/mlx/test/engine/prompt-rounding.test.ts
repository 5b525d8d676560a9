import { afterAll, beforeAll, expect, it } from "vitest";
import type { LayerCache } from "../../src/cache/index.ts";
import { hasCoarseActivations, withCoarseActivations } from "../../src/core/cpu.ts";
import * as mx from "../../src/core/index.ts";
import { TextPrompt } from "../../src/generation/prompt.ts";
import { nextStretch } from "../../src/generation/prompt-stretch.ts";
import { TokenSequence } from "../../src/generation/token-sequence.ts";
import { type LoadedModel, loadModel } from "../../src/load/index.ts";
import { smolLM2 } from "./smollm2.ts";

const LENGTH = 300;
const prompt = Array.from({ length: LENGTH }, (_, i) => 100 + ((i * 7919) % 40_000));
/** Where the coarse stretch begins and ends. */
const from = nextStretch(0, LENGTH - 1).size;
const to = from + nextStretch(from, LENGTH - 1).size;

let fine: LoadedModel;
let exact: LoadedModel;
beforeAll(async () => {
  fine = await loadModel(smolLM2, { device: "cpu", tokenizer: false });
  exact = await loadModel(smolLM2, { device: "cpu", tokenizer: false, exact: true });
});
afterAll(() => {
  fine?.model.dispose();
  exact?.model.dispose();
});

const read = ({ model }: LoadedModel, roundsPrompt: boolean): LayerCache[] => {
  const options = { sampling: {}, vocabSize: 49_152, prefillStepSize: 512, roundsPrompt };
  const sequence = new TokenSequence(model, new TextPrompt(model, prompt), options);
  for (const _ of sequence.prefill());
  const { caches, pending } = sequence.release();
  pending.dispose();
  sequence.dispose();
  return caches;
};

/** The keys of a layer at positions `[start, end)`. */
const keysAt = (cache: LayerCache | undefined, start: number, end: number): unknown =>
  mx.tidy(() => {
    const [keys] = cache?.state() ?? [];
    if (keys === undefined) throw new Error("The cache is empty");
    return mx
      .slice(keys, [0, 0, start, 0], [1, keys.dim(1), end, keys.dim(3)])
      .astype(mx.float32)
      .toTypedArray();
  });

/** What is predicted after the prompt: probabilities `[V]`. */
const prediction = ({ model }: LoadedModel, cache: LayerCache[]): Float32Array =>
  mx.tidy(() => {
    for (const layer of cache) layer.trim(1);
    const logits = model.forward(mx.array([prompt.slice(-1)], mx.int32), { cache });
    return mx.softmax(mx.index(logits, 0, -1)).toTypedArray() as Float32Array;
  });

const dispose = (caches: LayerCache[]): void => {
  for (const layer of caches) layer.dispose();
};

it("rounds what is inside a prompt further, and neither its first tokens nor its last ones", () => {
  const [coarse, all] = [read(fine, true), read(fine, false)];
  // keys of the first layer depend on nothing but their own tokens
  expect(keysAt(coarse[0], 0, from)).toEqual(keysAt(all[0], 0, from));
  expect(keysAt(coarse[0], to, LENGTH)).toEqual(keysAt(all[0], to, LENGTH));
  const inside = [keysAt(coarse[0], from, to), keysAt(all[0], from, to)];
  if (hasCoarseActivations()) expect(inside[0]).not.toEqual(inside[1]);
  else expect(inside[0]).toEqual(inside[1]);
  const [found, expected] = [prediction(fine, coarse), prediction(fine, all)];
  const kl = expected.reduce((sum, p, i) => (p > 0 ? sum + p * Math.log(p / (found[i] ?? 0)) : sum), 0);
  expect(kl).toBeLessThan(0.02);
  dispose([...coarse, ...all]);
});

it("changes nothing in exact models, and nothing outside of the scope", () => {
  const ids = [prompt.slice(0, 40)];
  const logits = ({ model }: LoadedModel) => model.forward(mx.array(ids, mx.int32)).toTypedArray();
  mx.tidy(() => {
    expect(withCoarseActivations(() => logits(exact))).toEqual(logits(exact));
    const before = logits(fine);
    if (hasCoarseActivations()) expect(withCoarseActivations(() => logits(fine))).not.toEqual(before);
    expect(logits(fine)).toEqual(before);
  });
});
