/** Qwen 3 with experts and vision: text alone. @see mlx-lm 0.32.2 models/qwen3_vl_moe.py */
import { architecture as text } from "./qwen3_moe.ts";
import { map, rename, splitInto } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";
import { wrapQwen } from "./wrap-qwen.ts";

export const architecture = wrapQwen(text, [
  map(/mlp\.experts\.(gate_up|down)_proj$/, [transposed(0, 2, 1)]),
  splitInto(/experts\.gate_up_proj$/, ["switch_mlp.gate_proj.weight", "switch_mlp.up_proj.weight"], {
    axis: 1,
  }),
  rename(/experts\.down_proj$/, "switch_mlp.down_proj.weight"),
]);
