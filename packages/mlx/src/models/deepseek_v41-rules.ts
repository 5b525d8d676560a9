/** What fits DeepSeek 4.1's checkpoints to the model: its own names become mlx-lm's, experts are stacked. */
import {
  drop,
  map,
  rename,
  repackFloats,
  type SanitizeRule,
  stackExperts,
  whenPresent,
} from "./sanitize-rules.ts";
import { reshaped } from "./tensor-change.ts";

interface Config {
  readonly o_groups: number;
  readonly o_lora_rank: number;
}

const names: readonly (readonly [RegExp, string])[] = [
  [/^head\./, "lm_head."],
  [/^embed\./, "model.embed_tokens."],
  [/^(?!lm_head\.|model\.)/, "model."],
  [/\.attn\./, ".self_attn."],
  [/\.ffn\./, ".mlp."],
  [/\.attn_norm\./, ".input_layernorm."],
  [/\.ffn_norm\./, ".post_attention_layernorm."],
  [/\.hc_(attn|ffn)_/, ".$1_hc."],
  [/\.attn_sink/, ".sinks"],
  [/\.wq_(a|b)\./, ".q_$1_proj."],
  [/\.wkv\./, ".kv_proj."],
  [/\.wgate\./, ".gate_proj."],
  [/\.wo_(a|b)\./, ".o_$1_proj."],
  [/\.q_norm\./, ".q_a_norm."],
  [/\.compressor\.norm\./, ".compressor.kv_norm."],
  [/\.indexer\.wk\./, ".indexer.k_proj."],
  [/\.gate\.bias$/, ".gate.e_score_correction_bias"],
  [/\.w1\./, ".gate_proj."],
  [/\.w2\./, ".down_proj."],
  [/\.w3\./, ".up_proj."],
];

export const rules: readonly SanitizeRule<Config>[] = [
  whenPresent(/^(embed|head|norm|layers)\./, [
    drop(/^(vision\.|aligner\.|image_|mtp\.)|\.engram\.|\.gate\.bias_vl$/),
    repackFloats,
    ...names.map(([pattern, to]) => rename(pattern, to)),
    stackExperts(/mlp\.experts\.(?<expert>\d+)\./, "mlp.experts.switch_mlp."),
    map<Config>(/\.o_a_proj\.(weight|scales)$/, (c) => [reshaped(c.o_groups, c.o_lora_rank, -1)]),
  ]),
];
