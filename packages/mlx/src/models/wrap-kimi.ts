import { architecture as deepseek_v3 } from "./deepseek_v3.ts";
import { wrapText } from "./wrap-text.ts";

/** The language model of Kimi-VL and Kimi K2.5, DeepSeek 3's. @see mlx-lm 0.32.2 models/kimi_k25.py, models/kimi_vl.py */
export const kimiText = wrapText(
  deepseek_v3,
  /^(vision_tower|vision_model|multi_modal_projector|mm_projector)\./,
);
