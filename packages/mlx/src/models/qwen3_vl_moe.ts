/** Qwen 3 with experts and vision. @see mlx-lm 0.32.2 models/qwen3_vl_moe.py, mlx-vlm 0.7.10 models/qwen3_vl_moe */
import { splitJoinedExperts } from "./common-rules.ts";
import { architecture as qwen3Moe } from "./qwen3_moe.ts";
import { map } from "./sanitize-rules.ts";
import { seeAsQwen3 } from "./see-as-qwen3.ts";
import { transposed } from "./tensor-change.ts";
import { wrapQwen } from "./wrap-qwen.ts";

const text = wrapQwen(qwen3Moe, [
  map(/mlp\.experts\.(gate_up|down)_proj$/, [transposed(0, 2, 1)]),
  ...splitJoinedExperts,
]);

export const architecture = seeAsQwen3(text, 151655);
