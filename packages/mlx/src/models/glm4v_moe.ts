/** GLM 4.5V: GLM 4.5 with a tower. @see mlx-vlm 0.7.10 models/glm4v_moe */
import { architecture as glm4_moe } from "./glm4_moe.ts";
import { seeAsGlm4v } from "./see-as-glm4v.ts";
import { wrapGlm } from "./wrap-glm.ts";

export const architecture = seeAsGlm4v(
  wrapGlm(glm4_moe, { attention_bias: true, partial_rotary_factor: 0.5, mrope_section: [8, 12, 12] }),
);
