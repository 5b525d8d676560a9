import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { readQuantizationConfig } from "./quantization-config.ts";

const standard = { group_size: 64, bits: 4 };
const read = (quantization: unknown) => readQuantizationConfig({ quantization });

describe("readQuantizationConfig", () => {
  it("reads mlx-lm's settings, and those of single layers on top of them", () => {
    const config = read({
      ...standard,
      "model.embed_tokens": { bits: 8 },
      lm_head: false,
      "model.norm": true,
    });
    expect(config?.standard).toEqual({ groupSize: 64, bits: 4, mode: "affine" });
    expect([...(config?.layers ?? [])]).toEqual([
      ["model.embed_tokens", { groupSize: 64, bits: 8, mode: "affine" }],
      ["lm_head", false],
    ]);
  });

  it("reads the older key too, and nothing where there is nothing", () => {
    expect(readQuantizationConfig({ quantization_config: standard })?.standard.bits).toBe(4);
    for (const none of [{}, { quantization: null }, { quantization: undefined, quantization_config: null }]) {
      expect(readQuantizationConfig(none)).toBeUndefined();
    }
  });

  it("takes mxfp4 and mxfp8 of other tools as MLX's", () => {
    const config = readQuantizationConfig({
      quantization_config: { quant_method: "mxfp4", modules_to_not_convert: ["lm_head"] },
    });
    expect(config).toEqual({ standard: { groupSize: 32, bits: 4, mode: "mxfp4" }, layers: new Map() });
    expect(readQuantizationConfig({ quantization_config: { quant_method: "mxfp8" } })?.standard.bits).toBe(8);
  });

  it("takes float8 in blocks as dense: sanitize unpacks it", () => {
    const quantization_config = { quant_method: "fp8", fmt: "e4m3", weight_block_size: [128, 128] };
    expect(readQuantizationConfig({ quantization_config })).toBeUndefined();
    expect(() => readQuantizationConfig({ quantization_config: { quant_method: "fp8" } })).toThrow(/fp8/);
  });

  it.each(["gptq", "awq", "bitsandbytes", "compressed-tensors"])(
    "names the method %s, and what to do",
    (quant_method) => {
      const run = () => readQuantizationConfig({ quantization_config: { ...standard, quant_method } });
      expect(run).toThrow(ConfigError);
      expect(run).toThrow(
        `config.json: the quantization method ${quant_method} is not supported; use a checkpoint that mlx-lm converted`,
      );
    },
  );

  it.each([
    [
      "no bits",
      { group_size: 64 },
      "quantization needs group_size, bits and a mode of affine, mxfp4, nvfp4, mxfp8",
    ],
    ["no group size", { bits: 4 }, "quantization needs group_size"],
    ["a text for bits", { ...standard, bits: "4" }, "quantization needs group_size"],
    ["an unknown mode", { ...standard, mode: "int4" }, "quantization needs group_size"],
    ["bits that MLX lacks", { ...standard, bits: 7 }, "groups of 64 and 7 bits"],
    ["a group size of 0", { ...standard, group_size: 0 }, "groups of 0 and 4 bits"],
    ["wrong settings of a layer", { ...standard, lm_head: { bits: 9 } }, "quantization of lm_head"],
    ["a list", [1], "quantization is not an object"],
    ["a text", "4bit", "quantization is not an object"],
    ["a number", 4, "quantization is not an object"],
  ])("refuses %s", (_, quantization, message) => {
    expect(() => read(quantization)).toThrow(ConfigError);
    expect(() => read(quantization)).toThrow(message);
  });
});
