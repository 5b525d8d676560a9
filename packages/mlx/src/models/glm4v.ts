/** GLM 4.1V: GLM 4 with a tower. @see mlx-vlm 0.7.10 models/glm4v */
import { architecture as glm4 } from "./glm4.ts";
import { seeAsGlm4v } from "./see-as-glm4v.ts";
import { wrapGlm } from "./wrap-glm.ts";

export const architecture = seeAsGlm4v(
  wrapGlm(glm4, { attention_bias: true, partial_rotary_factor: 0.5, mrope_section: [8, 12, 12] }),
);
