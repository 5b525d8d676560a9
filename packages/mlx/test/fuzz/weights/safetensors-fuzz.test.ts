import fc from "fast-check";
import { expect, it } from "vitest";
import {
  parseSafetensorsHeader,
  type SafetensorsHeader,
  storedDtypeBits,
} from "../../../src/weights/index.ts";
import { buildSafetensors } from "../../security/weights/build-safetensors.ts";
import { applyMutations, mutations } from "./mutate.ts";
import { SurvivalRun } from "./survive.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 100_000);
const BIT_FLIPS = 10_000;

const SEEDS = [
  buildSafetensors("{}"),
  buildSafetensors({ a: { dtype: "F32", shape: [2, 2], data_offsets: [0, 16] } }, 16),
  buildSafetensors(
    {
      __metadata__: { format: "pt", "\u00e9\n": "\ud83d\ude00" },
      "model.norm.weight": { dtype: "BF16", shape: [4], data_offsets: [0, 8] },
      "model.embed_tokens.weight": {
        dtype: "U32",
        shape: [4, 2],
        data_offsets: [8, 40],
        extra: [1.5e3, null, true],
      },
      empty: { dtype: "I64", shape: [3, 0], data_offsets: [40, 40] },
      scalar: { dtype: "F8_E4M3", shape: [], data_offsets: [40, 41] },
    },
    41,
  ),
];

const TEXTS =
  '{ } [ ] , : " \\ \\u \\ud800 null true 0 -1 1.0 1e9 1e999 9007199254740993 99999999999999999999 "a":'
    .split(" ")
    .concat(['"__proto__":{}', '"dtype":"F32",', "[".repeat(200), "\xff", "\ufeff", " ".repeat(40)]);

/** What the header promises, checked again from nothing but the result. */
function check({ tensors }: SafetensorsHeader, bytes: Uint8Array): void {
  const elements = (shape: readonly number[]) => shape.reduce((product, size) => product * BigInt(size), 1n);
  let end = tensors[0]?.offset ?? bytes.length;
  for (const { offset, byteLength, dtype, shape } of tensors) {
    const bits = elements(shape) * BigInt(storedDtypeBits(dtype));
    const holds = offset === end && bits === BigInt(byteLength) * 8n && shape.every((size) => size < 2 ** 31);
    if (!holds) throw new Error(`accepted ${dtype} [${shape}] at ${offset} of ${byteLength} bytes`);
    end = offset + byteLength;
  }
  if (end !== bytes.length) throw new Error(`accepted ${bytes.length} bytes of which ${end} are proven`);
  if (new Set(tensors.map((tensor) => tensor.name)).size !== tensors.length)
    throw new Error("accepted duplicates");
}

const start = () => new SurvivalRun((reader) => parseSafetensorsHeader(reader, "fuzz.safetensors"), check);

it(`survives ${RUNS} mutated safetensors files`, () => {
  const run = start();
  const file = fc.tuple(fc.constantFrom(...SEEDS), mutations(TEXTS), fc.boolean());
  fc.assert(
    fc.property(file, ([seed, changes, fixesLength]) => {
      const bytes = applyMutations(seed, changes);
      // half of the files get a header length that fits, so that mutations reach beyond the first check
      if (fixesLength && bytes.length >= 8) bytes.writeBigUInt64LE(BigInt(headerEnd(bytes) - 8));
      run.feed(bytes);
    }),
    { numRuns: RUNS, seed: Number(process.env.FUZZ_SEED ?? 1) },
  );
  run.expectBoundedMemory();
  expect(run.seen.accepted).toBeGreaterThan(RUNS / 1000);
  expect([...run.seen.problems.keys()].sort()).toEqual(
    expect.arrayContaining(["duplicate", "dtype", "field", "limit", "offset", "size", "syntax", "truncated"]),
  );
});

it(`survives one bit flipped at ${BIT_FLIPS} places of the header`, () => {
  const run = start();
  const seed = SEEDS[2] ?? SEEDS[0];
  if (seed === undefined) throw new Error("no seed");
  const bits = headerEnd(seed) * 8;
  for (let i = 0; i < BIT_FLIPS; i++) {
    const place = i < bits ? i : (i * 7919) % bits;
    const bytes = Buffer.from(seed);
    bytes.writeUInt8(bytes.readUInt8(place >> 3) ^ (1 << (place & 7)), place >> 3);
    run.feed(bytes);
  }
  expect(run.seen.refused).toBeGreaterThan(BIT_FLIPS / 2);
});

/** Where the JSON ends; the length before it is 8 bytes in any case. */
function headerEnd(bytes: Buffer): number {
  return Math.max(8, bytes.lastIndexOf("}") + 1 || bytes.length);
}
