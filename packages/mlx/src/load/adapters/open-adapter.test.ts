import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AdapterContent, writeAdapter } from "../../../test/parity/adapter-folder.ts";
import * as mx from "../../core/index.ts";
import { createModel, type LanguageModel } from "../../models/index.ts";
import type { Linear } from "../../nn/index.ts";
import { openAdapter } from "./open-adapter.ts";

const config = {
  model_type: "llama",
  hidden_size: 8,
  num_hidden_layers: 1,
  intermediate_size: 16,
  num_attention_heads: 2,
  rms_norm_eps: 1e-5,
  vocab_size: 12,
};

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

let model: LanguageModel;
beforeEach(async () => {
  model = await createModel(config);
});
afterEach(() => model.dispose());

const tensor = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.1),
});

const Q = "model.layers.0.self_attn.q_proj";
const lora = { fine_tune_type: "lora", num_layers: 1, lora_parameters: { rank: 2, scale: 3, dropout: 0 } };
const peft = { peft_type: "LORA", r: 2, lora_alpha: 4, target_modules: ["q_proj"] };
const whole = { [`${Q}.lora_a`]: tensor(8, 2), [`${Q}.lora_b`]: tensor(2, 8) };
const peftWhole = {
  [`base_model.model.${Q}.lora_A.weight`]: tensor(2, 8),
  [`base_model.model.${Q}.lora_B.weight`]: tensor(8, 2),
};

const write = (content: AdapterContent): string => {
  const isPeft = "peft_type" in content.config;
  const folder = writeAdapter(content, isPeft ? "adapter_model.safetensors" : "adapters.safetensors");
  folders.push(folder);
  return folder;
};

const open = (content: AdapterContent, { modelType = "llama", exact = true } = {}) =>
  openAdapter({ model, config: { model_type: modelType }, exact }, write(content));

const updateOf = (content: AdapterContent, options = {}) => {
  const adapter = open(content, options);
  adapter.apply();
  const { update } = new Map(model.namedModules()).get(Q) as Linear;
  const dtypes = [update?.up.dtype, update?.down.dtype];
  const up = update?.up.astype(mx.float32).toTypedArray()[0];
  const down = update?.down.astype(mx.float32).toTypedArray()[0];
  adapter.dispose();
  return { up: Number(up), down: Number(down), dtypes };
};

describe("an adapter", () => {
  it.each<[string, AdapterContent["config"], number]>([
    ["as it is, as mlx-lm does", lora, 3],
    ["of alpha and rank, as PEFT does", peft, 2],
    ["of the root of the rank", { ...peft, use_rslora: true }, 4 / Math.sqrt(2)],
    ["of another alpha for some layers", { ...peft, alpha_pattern: { q_proj: 10 } }, 5],
    ["of another rank for some layers", { ...peft, r: 4, rank_pattern: { "self_attn.q_proj": 2 } }, 2],
  ])("takes the scale %s", (_, settings, scale) => {
    const tensors = "peft_type" in settings ? peftWhole : whole;
    expect(updateOf({ config: settings, tensors }).up).toBeCloseTo(0.1 * scale, 6);
  });

  it("holds float16 on the CPU unless all is exact", () => {
    const content = { config: lora, tensors: whole };
    const half = updateOf(content, { exact: false });
    expect(half.dtypes).toEqual([mx.float16, mx.float16]);
    expect(half.up).toBeCloseTo(0.3, 3);
    expect(half.down).toBeCloseTo(0.1, 3);
    expect(updateOf(content).dtypes).toEqual([mx.float32, mx.float32]);
  });

  it("gives way to another one, and comes back", () => {
    const [one, other] = [open({ config: lora, tensors: whole }), open({ config: peft, tensors: peftWhole })];
    one.apply();
    other.apply();
    expect([one.isApplied, other.isApplied]).toEqual([false, true]);
    one.remove(); // is not there
    expect(other.isApplied).toBe(true);
    one.apply();
    expect([one.isApplied, other.isApplied]).toEqual([true, false]);
    for (const adapter of [one, other]) adapter.dispose();
    expect(
      [...model.namedModules()].some(([, module]) => "update" in module && module.update !== undefined),
    ).toBe(false);
  });

  it("keeps no arrays once it is disposed or refused", () => {
    const before = mx.liveArrays();
    open({ config: lora, tensors: whole }).dispose();
    expect(mx.liveArrays()).toBe(before);
    expect(() => open({ config: lora, tensors: { ...whole, [`${Q}.m`]: tensor(8) } })).toThrow();
    expect(mx.liveArrays()).toBe(before);
  });

  it("of full weights puts the model's own back", () => {
    const name = "model.layers.0.input_layernorm.weight";
    const previous = model.parameters().get(name);
    const adapter = open({ config: { fine_tune_type: "full" }, tensors: { [name]: tensor(8) } });
    adapter.apply();
    expect(model.parameters().get(name)).not.toBe(previous);
    adapter.dispose();
    expect(model.parameters().get(name)).toBe(previous);
  });
});

describe("refuses", () => {
  it("a folder that is not there", () => {
    expect(() => openAdapter({ model, config, exact: true }, "/nowhere")).toThrow(
      expect.objectContaining({ code: "model-not-found" }),
    );
  });

  it("a folder without settings or without weights", () => {
    const folder = mkdtempSync(join(tmpdir(), "adapter-"));
    folders.push(folder);
    expect(() => openAdapter({ model, config, exact: true }, folder)).toThrow("has no adapter_config.json");
    const other = write({ config: lora, tensors: whole });
    rmSync(join(other, "adapters.safetensors"));
    expect(() => openAdapter({ model, config, exact: true }, other)).toThrow("has no adapters.safetensors");
  });

  it.each<[AdapterContent["config"], string]>([
    [{ ...lora, fine_tune_type: "prefix" }, "expected lora, dora, full for fine_tune_type"],
    [{ ...lora, lora_parameters: 3 }, "expected an object for lora_parameters"],
    [{ ...lora, lora_parameters: { rank: 2, alpha: 4 } }, "alpha is PEFT's"],
    [{ ...lora, lora_parameters: { rank: 0.5, scale: 4 } }, "whole number of at least 1 for rank"],
    [{ ...peft, peft_type: "IA3" }, 'peft_type "IA3"'],
    [{ ...peft, lora_bias: true }, "lora_bias"],
    [{ ...peft, init_lora_weights: "pissa" }, "init_lora_weights"],
    [{ ...peft, alpha_pattern: { "^(a+)+$": 1 } }, "alpha_pattern"],
    [{ ...peft, r: "8" }, "expected a number for r"],
  ])("the settings %j", (settings, message) => {
    const tensors = "peft_type" in settings ? peftWhole : whole;
    expect(() => open({ config: settings, tensors })).toThrow(message);
  });

  it("what was trained beside weights that load scaled", () => {
    expect(() => open({ config: peft, tensors: peftWhole }, { modelType: "falcon_h1" })).toThrow("falcon_h1");
  });

  it("tensors that do not fit, naming all", () => {
    const tensors = {
      [`${Q}.lora_a`]: tensor(9, 2),
      [`${Q}.lora_b`]: tensor(2, 8),
      "model.layers.0.self_attn.k_proj.lora_a": tensor(8, 2),
      "model.layers.5.self_attn.q_proj.lora_a": tensor(8, 2),
      "model.layers.0.input_layernorm.weight": tensor(8),
    };
    expect(() => open({ config: lora, tensors })).toThrow(
      expect.objectContaining({
        code: "weights",
        message: expect.stringMatching(
          /does not fit the model; it may be another model's\. of no layer .*: model\.layers\.5\.\S+, model\.layers\.0\.input_layernorm\.weight; without the others of their layer: \S+k_proj\.lora_a; wrong shape: \S+q_proj\.lora_a \(expected \[8,2\], got \[9,2\]\)$/,
        ),
      }),
    );
  });

  it("a rank other than the settings say", () => {
    const tensors = { [`${Q}.lora_a`]: tensor(8, 3), [`${Q}.lora_b`]: tensor(3, 8) };
    expect(() => open({ config: lora, tensors })).toThrow("q_proj.lora_b (expected [2,8], got [3,8])");
  });
});
