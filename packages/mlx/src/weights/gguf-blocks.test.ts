import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GGUF_TYPES, type GgufType, ggufStorage } from "./gguf-types.ts";

interface Golden {
  blocks: number;
  types: Record<
    string,
    { id: number; blockBytes: number; halves: number[]; float32: string; affine?: string }
  >;
}

const native = fileURLToPath(new URL("../../native", import.meta.url));
const golden = JSON.parse(
  readFileSync(new URL("../../test/fuzz/weights/goldens/gguf-blocks.json", import.meta.url), "utf8"),
) as Golden;
const cases = Object.entries(golden.types);

/** The same bytes as random_blocks in make_goldens.py. */
function randomBlocks({ id, blockBytes, halves }: Golden["types"][string]): Buffer {
  const blocks = Buffer.alloc(golden.blocks * blockBytes);
  let state = id;
  for (let i = 0; i < blocks.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    blocks[i] = state >>> 24;
  }
  for (let block = 0; block < golden.blocks; block++) {
    for (const offset of halves) {
      const at = block * blockBytes + offset + 1;
      blocks[at] = (blocks[at] ?? 0) & 0xbf;
    }
  }
  return blocks;
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe.each([
  ["optimised", ["-O3"]],
  [
    "under address and undefined-behaviour sanitizers",
    ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
  ],
])("GGUF kernels, %s", (_, flags) => {
  let folder: string;
  const run = (kind: "affine" | "dequantize", id: number, input: Uint8Array): Buffer =>
    execFileSync(join(folder, "gguf_blocks"), [kind, String(id)], { input, maxBuffer: 1 << 26 });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gguf-blocks-"));
    const sources = readdirSync(join(native, "src/gguf")).filter((name) => name.endsWith(".cc"));
    execFileSync(process.env.CXX ?? "g++", [
      ...["-std=c++20", "-Wall", "-Wextra", "-Werror", ...flags],
      ...sources.map((name) => join(native, "src/gguf", name)),
      ...[join(native, "test/gguf_blocks_main.cc"), "-o", join(folder, "gguf_blocks")],
    ]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(cases)("unpacks %s to the float32 of the gguf package, bit by bit", (_name, type) => {
    expect(sha256(run("dequantize", type.id, randomBlocks(type)))).toBe(type.float32);
  });

  it.each(cases.filter(([, type]) => type.affine !== undefined))(
    "repacks %s to what mx.load gives",
    (_name, type) => {
      expect(sha256(run("affine", type.id, randomBlocks(type)))).toBe(type.affine);
    },
  );

  it.each(["Q4_0", "Q8_0"])(
    "gives %s biases that are -8 or -128 times the scale, for every finite half",
    (name) => {
      const type = golden.types[name];
      if (type === undefined) throw new Error(`no golden for ${name}`);
      const blocks = Buffer.alloc(65536 * type.blockBytes);
      for (let half = 0; half < 65536; half++) blocks.writeUInt16LE(half, half * type.blockBytes);
      const out = run("affine", type.id, blocks);
      const scales = out.length - 4 * 65536;
      for (let half = 0; half < 65536; half++) {
        const scale = halfToNumber(out.readUInt16LE(scales + 2 * half));
        const bias = halfToNumber(out.readUInt16LE(scales + 2 * 65536 + 2 * half));
        const exact = scale * (name === "Q4_0" ? -8 : -128);
        const expected = Math.abs(exact) > 65504 ? Math.sign(exact) * Infinity : exact;
        if (!Object.is(bias, expected)) expect([half, bias]).toEqual([half, expected]);
      }
    },
  );

  it.each(cases)("does nothing for no blocks of %s", (_name, type) => {
    expect(run("dequantize", type.id, Buffer.alloc(0))).toHaveLength(0);
  });
});

it("has a kernel for every type that TypeScript says can be unpacked", () => {
  const unpacked = GGUF_TYPES.filter((type) => /^(affine|grouped|dequantize)$/.test(ggufStorage(type).kind));
  expect(unpacked.sort()).toEqual(Object.keys(golden.types).sort());
  const affine = cases.filter(([, type]) => type.affine !== undefined).map(([name]) => name as GgufType);
  expect(affine.every((type) => ggufStorage(type).kind === "affine")).toBe(true);
});

function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
