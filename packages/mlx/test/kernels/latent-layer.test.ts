/** Latent attention within the operation of a block gives what its parts give. */
import { describe, expect, it } from "vitest";
import { partsOf } from "../../src/blocks/block-parts.ts";
import { fusedBlock } from "../../src/blocks/fused-block.ts";
import {
  AbsorbedAttention,
  createRope,
  ExpandedAttention,
  GatedMLP,
  type LatentAttentionConfig,
  PreNormBlock,
} from "../../src/blocks/index.ts";
import { layerParts } from "../../src/blocks/layer-parts.ts";
import { KVCache, type LayerCache, quantizedCaches } from "../../src/cache/index.ts";
import { withRoundedActivations } from "../../src/core/cpu.ts";
import * as mx from "../../src/core/index.ts";
import { moveToHugePages } from "../../src/core/mapped.ts";
import { MatrixLayer, quantize, RMSNorm } from "../../src/nn/index.ts";
import { atEveryLevel, elements, random, relativeError, withStock } from "./kernel-inputs.ts";

const E = 64;

type LatentLayer = NonNullable<mx.DecoderLayerParts["latent"]>;

const plain: LatentAttentionConfig = {
  ...{ hidden_size: E, num_attention_heads: 4, q_lora_rank: 64, kv_lora_rank: 96 },
  ...{ qk_nope_head_dim: 32, qk_rope_head_dim: 32, v_head_dim: 32, attention_bias: false },
};

const makeBlock = (
  Attention: typeof AbsorbedAttention | typeof ExpandedAttention,
  c = plain,
): PreNormBlock => {
  const rope = createRope({ dims: c.qk_rope_head_dim, base: 10000, traditional: true });
  const attention = new Attention(c, { rope, scale: 0.3, eps: 1e-6 });
  const block = new PreNormBlock(attention, new GatedMLP(E, 128), () => new RMSNorm(E, 1e-5));
  let seed = 1;
  block.mapParameters((array) => {
    seed += 1;
    return array.ndim === 1 ? random(array.shape, seed).add(1.5) : random(array.shape, seed).multiply(0.3);
  });
  quantize(block, { bits: 4, groupSize: 32 });
  mx.evaluate([...block.parameters().values()]);
  return block;
};

/** Brings the matrices of heads and layers into the order of packed ones. */
const pack = (block: PreNormBlock): void => {
  const filler = mx.zeros([1 << 20]); // enough that moving pays
  mx.evaluate(filler);
  const matrices = [...block.namedModules()].flatMap(([, module]) => {
    if (!(module instanceof MatrixLayer)) return [];
    const { weight, scales, biases } = module;
    return scales && biases ? [{ weight, scales, biases, bits: 4, groupSize: 32 }] : [];
  });
  moveToHugePages([...block.parameters().values(), filler], matrices);
};

/** Of positions one after the other, which begin with a prompt of 150. */
const LENGTHS = [150, 1, 3, 1, 8, 1];

/** What a block gives for positions behind the prompt. */
const answers = (block: PreNormBlock, B = 1, makeCache = (): LayerCache => new KVCache()): number[][] => {
  const cache = makeCache();
  return LENGTHS.map((L, i) =>
    mx.tidy(() => {
      const out = elements(block.forward(random([B, L, E], i + 1), L === 1 ? undefined : "causal", cache));
      mx.evaluate(cache.state());
      return out;
    }),
  ).slice(1);
};

const expectClose = (found: readonly number[][], expected: readonly number[][], tolerance: number): void => {
  expect(found).toHaveLength(expected.length);
  found.forEach((row, i) => {
    expect(relativeError(row, expected[i] ?? [])).toBeLessThan(tolerance);
  });
};

const ones = (n: number): mx.MxArray => {
  const a = mx.ones([n]);
  mx.evaluate(a);
  return a;
};

const kinds = { absorbed: AbsorbedAttention, expanded: ExpandedAttention } as const;

/** Whether all of the block is one operation in a fresh cache, or one of these. */
const isOne = (block: PreNormBlock, cache: LayerCache = new KVCache()): boolean =>
  mx.tidy(() => fusedBlock(random([1, 1, E]), { block, mask: undefined, cache })?.isWhole === true);

const sizes: Partial<LatentAttentionConfig>[] = [
  {},
  { q_lora_rank: undefined },
  { num_attention_heads: 20 }, // rows side by side
  { num_attention_heads: 1, kv_lora_rank: 32 },
  { num_attention_heads: 3, v_head_dim: 64, qk_nope_head_dim: 64 },
  { num_attention_heads: 70, kv_lora_rank: 64 }, // more rows than one block of attention has
];

describe.each(["absorbed", "expanded"] as const)("latent attention, %s", (kind) => {
  it.each(sizes)("is as its parts are: %j", (change) => {
    const block = makeBlock(kinds[kind], { ...plain, ...change });
    const expected = withStock(() => answers(block));
    expect(isOne(block)).toBe(true);
    atEveryLevel(() => expectClose(answers(block), expected, 2e-5));
  });

  it("is as its parts are over float16", () => {
    const block = makeBlock(kinds[kind], { ...plain, num_attention_heads: 12 });
    const few = makeBlock(kinds[kind]);
    for (const one of [block, few]) {
      const expected = withStock(() => answers(one));
      withRoundedActivations(() => atEveryLevel(() => expectClose(answers(one), expected, 5e-3)));
    }
  });

  it.each([2, 3])("gives %d sequences what it gives each", (B) => {
    const block = makeBlock(kinds[kind]);
    expectClose(
      answers(block, B),
      withStock(() => answers(block, B)),
      2e-5,
    );
  });

  it("reads packed matrices", () => {
    const block = makeBlock(kinds[kind], { ...plain, num_attention_heads: 20 });
    const expected = withStock(() => answers(block));
    pack(block);
    expect(isOne(block)).toBe(true);
    atEveryLevel(() => expectClose(answers(block), expected, 2e-5));
  });

  it("is as its parts are over quantized caches", () => {
    const block = makeBlock(kinds[kind]);
    const make = () =>
      quantizedCaches([new KVCache()], { bits: 8, groupSize: 32, start: 0 })[0] ?? new KVCache();
    expectClose(
      answers(block, 1, make),
      withStock(() => answers(block, 1, make)),
      1e-3,
    );
    const cache = make();
    mx.evaluate(block.forward(random([1, 2, E]), "causal", cache));
    expect(isOne(block, cache)).toBe(kind === "expanded"); // rows of latents are read as they are
  });

  it.each<[string, Partial<LatentAttentionConfig>]>([
    ["of biases", { attention_bias: true }],
    ["of dense matrices", { v_head_dim: 24, num_attention_heads: 1 }],
  ])("is left to its parts because %s", (_, change) => {
    const block = makeBlock(kinds[kind], { ...plain, ...change });
    expect(isOne(block)).toBe(false);
    expectClose(
      answers(block),
      withStock(() => answers(block)),
      2e-5,
    );
  });

  it.each<[string, (parts: mx.DecoderLayerParts, latent: LatentLayer) => Partial<mx.DecoderLayerParts>]>([
    ["heads are other ones", () => ({ H: 5 })],
    ["latents are wider", (_, latent) => ({ latent: { ...latent, norm: ones(128) } })],
    ["latents leave nothing to turn", (_, latent) => ({ latent: { ...latent, norm: ones(160) } })],
    ["queries are not squeezed", (_, latent) => ({ latent: { ...latent, queryNorm: undefined } })],
    [
      "what queries are squeezed into is wider",
      (_, latent) => ({ latent: { ...latent, queryNorm: ones(96) } }),
    ],
    ["keys are others", (_, latent) => ({ latent: { ...latent, isAbsorbed: !latent.isAbsorbed } })],
    ["fewer features turn", ({ rope }) => ({ rope: { ...rope, dims: 16 } })],
    ["rows are added", () => ({ rows: [ones(E), ones(E), ones(E)] })],
    ["scores are squashed", () => ({ cap: 30 })],
    ["there are sinks", () => ({ sinks: ones(4) })],
  ])("gives nothing where %s", (_, spoil) => {
    const block = makeBlock(kinds[kind]);
    const parts = layerParts(block, partsOf(block), undefined);
    if (parts?.latent === undefined) throw new Error("the block has no such parts");
    expect(mx.DecoderLayers.prepare(parts)).toBeDefined();
    expect(mx.DecoderLayers.prepare({ ...parts, ...spoil(parts, parts.latent) })).toBeUndefined();
  });
});
