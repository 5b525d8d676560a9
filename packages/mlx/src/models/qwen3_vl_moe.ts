/** Qwen 3 with experts and vision. @see mlx-lm 0.32.2 models/qwen3_vl_moe.py, mlx-vlm 0.7.10 models/qwen3_vl_moe */
import { architecture as qwen3Moe } from "./qwen3_moe.ts";
import { map, rename, splitInto } from "./sanitize-rules.ts";
import { seeAsQwen3 } from "./see-as-qwen3.ts";
import { transposed } from "./tensor-change.ts";
import { wrapQwen } from "./wrap-qwen.ts";

const text = wrapQwen(qwen3Moe, [
  map(/mlp\.experts\.(gate_up|down)_proj$/, [transposed(0, 2, 1)]),
  splitInto(/experts\.gate_up_proj$/, ["switch_mlp.gate_proj.weight", "switch_mlp.up_proj.weight"], {
    axis: 1,
  }),
  rename(/experts\.down_proj$/, "switch_mlp.down_proj.weight"),
]);

export const architecture = seeAsQwen3(text, 151655);
