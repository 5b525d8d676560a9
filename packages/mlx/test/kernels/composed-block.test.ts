/** Blocks that one call puts together, as on GPUs, give what their parts give. */
import { describe, expect, it } from "vitest";
import { composedBlock } from "../../src/blocks/composed-block.ts";
import { PreNormBlock, SandwichBlock } from "../../src/blocks/index.ts";
import { KVCache, type LayerCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { Linear, quantize, RMSNorm } from "../../src/nn/index.ts";
import { readModelGoldens } from "../parity/golden.ts";
import { buildModel } from "../parity/run-model.ts";
import { elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const PROMPT = 5;
const STEPS = 4;

/** The blocks of the first golden of an architecture, with matrices of 4 bits. */
const blocksOf = async (name: string) => {
  const [golden] = readModelGoldens().find(({ architecture }) => architecture === name)?.cases ?? [];
  if (golden === undefined) throw new Error(`there is no golden of ${name}`);
  const { model } = await buildModel(golden);
  quantize(model, { bits: 4, groupSize: 32 }, (path) => model.quantizationOf(path));
  for (const array of model.parameters().values()) mx.evaluate(array);
  const blocks = [...model.namedModules()].flatMap(([, module]) =>
    module instanceof PreNormBlock || module instanceof SandwichBlock ? [module] : [],
  );
  return { model, blocks, E: Number(golden.config.hidden_size) };
};

type Block = PreNormBlock | SandwichBlock;
type Step = (block: Block, x: mx.MxArray, cache: LayerCache) => mx.MxArray;

const inParts: Step = (block, x, cache) => block.forward(x, undefined, cache);

const composed: Step = (block, x, cache) => {
  const made = composedBlock(x, { block, mask: undefined, cache });
  if (made === undefined) throw new Error("the block is not composed");
  if (made.isWhole) return made.h;
  return made.h.add(block.mlp.forward(block.post_attention_layernorm.forward(made.h)));
};

/** What each step gives behind a prompt of two sequences. */
const answers = (blocks: readonly Block[], E: number, step: Step): number[][] => {
  const caches = blocks.map(() => new KVCache());
  const through = (x: mx.MxArray, one: Step) =>
    blocks.reduce((h, block, i) => one(block, h, caches[i] ?? new KVCache()), x);
  const prompt: Step = (block, x, cache) => block.forward(x, "causal", cache);
  mx.tidy(() => mx.evaluate(through(random([2, PROMPT, E], 1), prompt)));
  return Array.from({ length: STEPS }, (_, i) =>
    mx.tidy(() => elements(through(random([2, 1, E], 2 + i), step))),
  );
};

describe("composed blocks", () => {
  it.each([
    "llama",
    "qwen2", // biases
    "qwen3", // norms of heads
    "qwen3_moe", // experts
    "gemma2", // norms around, caps
    "granite", // scaled residuals
    "smollm3", // layers that do not turn
  ])("of %s answer as their parts do", async (name) => {
    const { model, blocks, E } = await blocksOf(name);
    expect(blocks.length).toBeGreaterThan(0);
    const expected = withStock(() => answers(blocks, E, inParts));
    for (const [i, logits] of withStock(() => answers(blocks, E, composed)).entries())
      expect(relativeError(logits, expected[i] ?? [])).toBeLessThan(1e-6);
    model.dispose();
  });

  it("take the arrays that a layer has now", async () => {
    const { model, blocks, E } = await blocksOf("llama");
    const run = (step: Step) => withStock(() => answers(blocks, E, step));
    const before = run(composed);
    for (const { input_layernorm: norm } of blocks) if (norm instanceof RMSNorm) norm.weight = random([E], 9);
    expect(run(composed)).not.toEqual(before);
    expect(relativeError(run(composed).flat(), run(inParts).flat())).toBeLessThan(1e-6);
    model.dispose();
  });

  it("are added up in float32 alone where a model says so", async () => {
    const { model, blocks, E } = await blocksOf("gemma3_text");
    const [block] = blocks;
    if (block === undefined) throw new Error("there is no block");
    const call = (dtype: mx.Dtype) =>
      composedBlock(random([1, 1, E], 1).astype(dtype), { block, mask: undefined, cache: new KVCache() });
    expect(call(mx.float32)?.isWhole).toBe(true);
    expect(call(mx.float16)).toBeUndefined();
    model.dispose();
  });

  it("leave what an adapter changes to the parts", async () => {
    const { model, blocks, E } = await blocksOf("llama");
    const [block] = blocks;
    const layer = [...(block?.namedModules() ?? [])].find(([, module]) => module instanceof Linear)?.[1];
    if (block === undefined || !(layer instanceof Linear)) throw new Error("the block has no linear layer");
    const call = () =>
      withStock(() => composedBlock(random([1, 1, E], 1), { block, mask: undefined, cache: new KVCache() }));
    expect(call()?.isWhole).toBe(true);
    const [N = 1, K = 1] = layer.matrixShape;
    layer.update = { up: random([2, N], 3), down: random([K, 2], 4) };
    expect(call()).toBeUndefined();
    layer.update = undefined;
    expect(call()?.isWhole).toBe(true);
    model.dispose();
  });
});
