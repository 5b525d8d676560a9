import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ggufTensorName, ggufTransform, isGgufRopeTensor, unpermutedRows } from "./gguf-tensor-names.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../test/fuzz/weights/goldens/gguf-names.json", import.meta.url), "utf8"),
) as [architecture: string, gguf: string, huggingFace: string][];

describe("ggufTensorName", () => {
  it.each(golden)("%s: %s is %s, as in the gguf package", (architecture, name, expected) => {
    expect(ggufTensorName(architecture, name)).toBe(expected);
  });

  it.each([
    ["llama", "blk.0.ffn_gate_exps.weight"],
    ["llama", "blk.0.attn_q_norm.weight"],
    ["llama", "rope_freqs.weight"],
    ["llama", "blk.00.attn_q.weight"],
    ["llama", "blk.-1.attn_q.weight"],
    ["llama", "blk.0.attn_q.scale"],
    ["llama", "blk.0.constructor.weight"],
    ["llama", "constructor.weight"],
    ["llama", "attn_q.weight"],
    ["mamba", "token_embd.weight"],
    ["constructor", "token_embd.weight"],
  ])("%s has no place for %s", (architecture, name) => {
    expect(ggufTensorName(architecture, name)).toBeUndefined();
  });
});

it("knows what describes rotary frequencies", () => {
  expect(isGgufRopeTensor("rope_freqs.weight")).toBe(true);
  expect(isGgufRopeTensor("rope_factors_long.weight")).toBe(true);
  expect(isGgufRopeTensor("token_embd.weight")).toBe(false);
});

it.each([
  ["llama", "blk.3.attn_q.weight", "unpermute-q"],
  ["llama", "blk.3.attn_k.bias", "unpermute-k"],
  ["llama", "blk.3.attn_v.weight", "none"],
  ["smollm3", "blk.3.attn_k.weight", "unpermute-k"],
  ["qwen2", "blk.3.attn_q.weight", "none"],
  ["qwen3", "blk.3.attn_q_norm.weight", "none"],
  ["gemma2", "blk.3.post_ffw_norm.weight", "subtract-one"],
  ["gemma2", "output_norm.weight", "subtract-one"],
  ["gemma2", "blk.3.attn_q.weight", "none"],
])("%s: %s needs %s", (architecture, name, transform) => {
  expect(ggufTransform(architecture, name)).toBe(transform);
});

it.each([
  [8, 1],
  [12, 3],
  [576, 9],
])("undoes the converter's reshape(heads, 2, half).swapaxes(1, 2) on %i rows of %i heads", (rows, heads) => {
  const half = rows / heads / 2;
  // the converter's order, written out: row (head, j, part) of the GGUF file is row (head, part, j) of the model
  const converted: number[] = [];
  for (let head = 0; head < heads; head++) {
    for (let j = 0; j < half; j++) {
      for (let part = 0; part < 2; part++) converted.push(head * 2 * half + part * half + j);
    }
  }
  const restored = Array.from(unpermutedRows(rows, heads), (row) => converted[row]);
  expect(restored).toEqual(Array.from({ length: rows }, (_, i) => i));
});
