/** GLM 4 MoE whose config may say less. @see mlx-lm 0.32.2 models/solar_open.py */
import { defineArchitecture } from "./architecture.ts";
import { bool, int } from "./config.ts";
import { create, config as glmSchema, rules } from "./glm4_moe.ts";

const config = {
  ...glmSchema,
  attention_bias: bool.default(false),
  use_qk_norm: bool.default(false),
  n_group: int.default(1),
  topk_group: int.default(1),
};

export const architecture = defineArchitecture({ config, create, sanitize: rules });
