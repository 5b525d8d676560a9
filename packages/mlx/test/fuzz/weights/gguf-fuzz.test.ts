import fc from "fast-check";
import { expect, it } from "vitest";
import { MlxError } from "../../../src/errors.ts";
import { mapGguf } from "../../../src/load/gguf/map-gguf.ts";
import { type GgufFile, ggufBlock, parseGguf } from "../../../src/weights/index.ts";
import { buildGguf, f32, KV, list, pair, text, u32, u64 } from "../../security/weights/build-gguf.ts";
import { applyMutations, mutations } from "./mutate.ts";
import { SurvivalRun, strictReader } from "./survive.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 100_000);
const BIT_FLIPS = 10_000;

const model = [
  pair("general.architecture", KV.STRING, text("llama")),
  pair("general.alignment", KV.UINT32, u32(32)),
  pair("llama.block_count", KV.UINT32, u32(1)),
  pair("llama.context_length", KV.UINT32, u32(64)),
  pair("llama.embedding_length", KV.UINT32, u32(32)),
  pair("llama.feed_forward_length", KV.UINT32, u32(32)),
  pair("llama.attention.head_count", KV.UINT32, u32(2)),
  pair("llama.attention.head_count_kv", KV.UINT32, u32(1)),
  pair("llama.rope.freq_base", KV.FLOAT32, f32(10000)),
  pair("llama.attention.layer_norm_rms_epsilon", KV.FLOAT32, f32(1e-5)),
];

const SEEDS = [
  buildGguf(),
  buildGguf({
    version: 2,
    pairs: [
      pair("words", KV.ARRAY, list(KV.STRING, ["one", "", "zwei"].map(text))),
      pair("scores", KV.ARRAY, list(KV.FLOAT32, [f32(1), f32(2)])),
      pair("nested", KV.ARRAY, list(KV.ARRAY, [list(KV.INT64, [u64(1)]), list(KV.BOOL, [])])),
      pair("big", KV.UINT64, u64(2n ** 60n)),
      pair("yes", KV.BOOL, Buffer.from([1])),
    ],
    tensors: [
      { name: "a", dims: [32, 2], type: 2, offset: 0 },
      { name: "b", dims: [256], type: 14, offset: 64 },
      { name: "c", dims: [], type: 0, offset: 288 },
    ],
    data: 320,
  }),
  buildGguf({
    pairs: model,
    tensors: [
      { name: "token_embd.weight", dims: [32, 4], type: 8, offset: 0 },
      { name: "blk.0.attn_q.weight", dims: [32, 32], type: 3, offset: 160 },
      { name: "output_norm.weight", dims: [32], type: 0, offset: 800 },
      { name: "rope_freqs.weight", dims: [8], type: 0, offset: 928 },
    ],
    data: Buffer.concat([Buffer.alloc(928), ...Array.from({ length: 8 }, () => f32(1))]),
  }),
];

const TEXTS = [
  "GGUF",
  "general.alignment",
  "llama.",
  "token_embd.weight",
  "\xff",
  "\0",
  "\0".repeat(40),
  "a".repeat(70),
];

/** What the file promises, checked again from nothing but the result; then what a loader does with it. */
function check(gguf: GgufFile, bytes: Uint8Array): void {
  let end = 0;
  for (const { offset, byteLength, type, dims, shape } of gguf.tensors) {
    const block = ggufBlock(type);
    const elements = dims.reduce((product, size) => product * BigInt(size), 1n);
    const fits = elements * BigInt(block.bytes) === BigInt(byteLength) * BigInt(block.size);
    const isInside = offset >= end && offset % gguf.alignment === 0 && offset + byteLength <= bytes.length;
    if (!fits || !isInside)
      throw new Error(`accepted ${type} [${shape}] at ${offset} of ${byteLength} bytes`);
    end = offset + byteLength;
  }
  try {
    mapGguf(gguf, strictReader(bytes));
  } catch (error) {
    if (!(error instanceof MlxError)) throw error;
  }
}

const start = () => new SurvivalRun((reader) => parseGguf(reader, "fuzz.gguf"), check);

it("starts from a file that is a model", () => {
  const seed = SEEDS[2] ?? Buffer.alloc(0);
  const { config, parameters } = mapGguf(parseGguf(strictReader(seed), "seed.gguf"), strictReader(seed));
  expect(config).toMatchObject({ model_type: "llama", rms_norm_eps: 1e-5, vocab_size: 4 });
  expect(parameters).toHaveLength(3);
});

it(`survives ${RUNS} mutated GGUF files`, () => {
  const run = start();
  fc.assert(
    fc.property(fc.constantFrom(...SEEDS), mutations(TEXTS), (seed, changes) =>
      run.feed(applyMutations(seed, changes)),
    ),
    { numRuns: RUNS, seed: Number(process.env.FUZZ_SEED ?? 1) },
  );
  run.expectBoundedMemory();
  expect(run.seen.accepted).toBeGreaterThan(RUNS / 1000);
  expect([...run.seen.problems.keys()].sort()).toEqual(
    expect.arrayContaining([
      "dtype",
      "encoding",
      "field",
      "limit",
      "offset",
      "shape",
      "syntax",
      "truncated",
      "unsupported",
    ]),
  );
});

it(`survives one bit flipped at ${BIT_FLIPS} places of the header`, () => {
  const run = start();
  const seed = SEEDS[2] ?? Buffer.alloc(0);
  const bits = (seed.length - 960) * 8;
  for (let i = 0; i < BIT_FLIPS; i++) {
    const place = i < bits ? i : (i * 7919) % bits;
    const bytes = Buffer.from(seed);
    bytes.writeUInt8(bytes.readUInt8(place >> 3) ^ (1 << (place & 7)), place >> 3);
    run.feed(bytes);
  }
  expect(run.seen.refused).toBeGreaterThan(BIT_FLIPS / 3);
});
