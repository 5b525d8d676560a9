/** Qwen 3.5 whose experts come in one tensor a layer. @see mlx-lm 0.32.2 models/qwen3_5_moe.py */
import { IMAGE_TOKEN_ID, text, unwrapQwen } from "./qwen3_5.ts";
import { rename, splitInto } from "./sanitize-rules.ts";
import { seeAsQwen3 } from "./see-as-qwen3.ts";
import { wrapOptionalText } from "./wrap-text.ts";

const wrapped = wrapOptionalText(text, [
  ...unwrapQwen,
  splitInto(/experts\.gate_up_proj$/, ["switch_mlp.gate_proj.weight", "switch_mlp.up_proj.weight"], {
    axis: 1,
  }),
  rename(/experts\.down_proj$/, "switch_mlp.down_proj.weight"),
]);

export const architecture = seeAsQwen3(wrapped, IMAGE_TOKEN_ID);
