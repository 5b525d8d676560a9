import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { readQuantizationConfig } from "./quantization-config.ts";

const standard = { group_size: 64, bits: 4 };
const read = (quantization: unknown) => readQuantizationConfig({ quantization }).quantization;

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
    expect(readQuantizationConfig({ quantization_config: standard }).quantization?.standard.bits).toBe(4);
    for (const none of [{}, { quantization: null }, { quantization: undefined, quantization_config: null }]) {
      expect(readQuantizationConfig(none).quantization).toBeUndefined();
    }
  });

  it("takes mxfp4 and mxfp8 of other tools as MLX's", () => {
    const config = readQuantizationConfig({
      quantization_config: { quant_method: "mxfp4", modules_to_not_convert: ["lm_head"] },
    });
    expect(config.quantization).toEqual({
      standard: { groupSize: 32, bits: 4, mode: "mxfp4" },
      layers: new Map(),
    });
    const mxfp8 = readQuantizationConfig({ quantization_config: { quant_method: "mxfp8" } });
    expect(mxfp8.quantization?.standard.bits).toBe(8);
  });

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
