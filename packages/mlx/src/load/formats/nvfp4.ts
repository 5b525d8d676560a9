/** NVFP4: four-bit floats, a float8 scale per 16 inputs, and one factor for the whole tensor. */
import type { MxArray } from "../../core/index.ts";
import * as mx from "../../core/index.ts";
import { NVFP4_LARGEST, quantization } from "../../nn/index.ts";
import type { FormatSettings } from "./format-settings.ts";
import { dequantizeFp8 } from "./fp8.ts";
import type { ConvertedLayer, WeightFormat } from "./weight-format.ts";

/**
 * @param weight - uint8 `[N, K / 2]`
 * @param scales - E4M3 bytes `[N, K / 16]`
 * @param factor - multiplies the whole tensor
 */
export const nvfp4Layer = (weight: MxArray, scales: MxArray, factor: MxArray): ConvertedLayer => ({
  weight: mx.view(weight, mx.uint32),
  scales,
  global_scale: mx.reshape(factor.astype(mx.float32).multiply(NVFP4_LARGEST), []),
});

/** The format that a config with `quant_method: "modelopt"` describes. @throws {ConfigError} for other algorithms */
export const modelopt = (settings: FormatSettings): WeightFormat => {
  const algorithm = settings.oneOf("quant_algo", ["NVFP4", "FP8"] as const);
  return {
    standard: algorithm === "NVFP4" ? quantization({ mode: "nvfp4" }) : undefined,
    marker: "weight",
    parts: ["weight", "weight_scale", "weight_scale_2", "input_scale", "pre_quant_scale"],
    convert(layer) {
      const weight = layer.get("weight");
      const scales = layer.find("weight_scale");
      if (scales === undefined || weight.dtype !== mx.uint8) return undefined;
      if (layer.find("pre_quant_scale") !== undefined)
        throw layer.problem("has inputs scaled by AWQ, which is not read");
      const factor = layer.find("weight_scale_2");
      if (factor === undefined) return { weight: dequantizeFp8(weight, scales, [1, 1]) };
      return nvfp4Layer(weight, scales, factor);
    },
  };
};
