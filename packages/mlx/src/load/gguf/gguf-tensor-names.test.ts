import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as mx from "../../core/index.ts";
import { WeightsError } from "../../errors.ts";
import { sanitize } from "../../models/index.ts";
import { GGUF_ARCHITECTURES } from "./gguf-architectures.ts";
import { GgufFields } from "./gguf-fields.ts";
import type { GgufRow } from "./gguf-row.ts";
import { ggufLayer, ggufTensorName, isGgufRopeTensor } from "./gguf-tensor-names.ts";
import { unpermute } from "./restore.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../../test/fuzz/weights/goldens/gguf-names.json", import.meta.url), "utf8"),
) as [architecture: string, gguf: string, huggingFace: string][];

const rowOf = (architecture: string): GgufRow => {
  const row = GGUF_ARCHITECTURES.get(architecture);
  if (row === undefined) throw new Error(`no row of ${architecture}`);
  const file = { path: "model.gguf", version: 3, alignment: 32, metadata: new Map(), tensors: [] } as const;
  return typeof row === "function" ? row(new GgufFields({ ...file, tensors: [] }, architecture)) : row;
};

describe("ggufTensorName", () => {
  it.each(golden)("%s: %s is %s, as in the gguf package", (architecture, name, expected) => {
    expect(ggufTensorName(rowOf(architecture), name)).toBe(expected);
  });

  it.each([
    ["llama", "blk.0.ffn_gate_exps.weight"],
    ["llama", "blk.0.attn_q_norm.weight"],
    ["llama", "rope_freqs.weight"],
    ["llama", "blk.00.attn_q.weight"],
    ["llama", "blk.-1.attn_q.weight"],
    ["llama", "blk.0.attn_q.scale"],
    ["llama", "blk.0.attn_q"],
    ["llama", "blk.0.constructor.weight"],
    ["llama", "constructor.weight"],
    ["llama", "constructor"],
    ["llama", "attn_q.weight"],
    ["gpt2", "blk.0.output.weight"],
  ])("%s has no place for %s", (architecture, name) => {
    expect(ggufTensorName(rowOf(architecture), name)).toBeUndefined();
  });

  it("leaves out what the model does without", () => {
    expect(ggufTensorName(rowOf("gpt2"), "output.weight")).toBeNull();
  });

  it("gives a stem with its kind a name of its own", () => {
    expect(ggufTensorName(rowOf("mamba2"), "blk.3.ssm_dt.bias")).toBe("backbone.layers.3.mixer.dt_bias");
    expect(ggufTensorName(rowOf("mamba2"), "blk.3.ssm_a")).toBe("backbone.layers.3.mixer.A_log");
    expect(ggufTensorName(rowOf("lfm2"), "blk.0.shortconv.conv.weight")).toBe(
      "model.layers.0.conv.conv.weight",
    );
  });
});

it("knows the layer of a tensor", () => {
  expect(ggufLayer("blk.12.attn_q.weight")).toBe(12);
  expect(ggufLayer("output.weight")).toBeUndefined();
});

it("knows what describes rotary frequencies", () => {
  expect(isGgufRopeTensor("rope_freqs.weight")).toBe(true);
  expect(isGgufRopeTensor("rope_factors_long.weight")).toBe(true);
  expect(isGgufRopeTensor("token_embd.weight")).toBe(false);
});

it("refuses rows that are no heads", () => {
  const weights = new Map([["a.q_proj.weight", mx.zeros([7, 4])]]);
  expect(() => sanitize(weights, [unpermute()], { head_dim: 16 })).toThrow(WeightsError);
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
  const restored = sanitize(new Map([["a.q_proj.bias", mx.array(converted, mx.int32)]]), [unpermute()], {
    head_dim: rows / heads,
  });
  expect(restored.get("a.q_proj.bias")?.toArray()).toEqual(Array.from({ length: rows }, (_, i) => i));
});
