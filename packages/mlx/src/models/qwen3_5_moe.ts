/** Qwen 3.5 whose experts come in one tensor a layer. @see mlx-lm 0.32.2 models/qwen3_5_moe.py */
import { splitJoinedExperts } from "./common-rules.ts";
import { IMAGE_TOKEN_ID, text, unwrapQwen } from "./qwen3_5.ts";
import { seeAsQwen3 } from "./see-as-qwen3.ts";
import { wrapOptionalText } from "./wrap-text.ts";

const wrapped = wrapOptionalText(text, [...unwrapQwen, ...splitJoinedExperts]);

export const architecture = seeAsQwen3(wrapped, IMAGE_TOKEN_ID);
