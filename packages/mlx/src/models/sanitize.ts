/** Rules that fit a checkpoint's weight keys to a model's parameters; data, so they can be printed and tested. */
import { type MxArray, stack } from "../core/index.ts";

export type SanitizeRule<C> =
  | { readonly kind: "drop"; readonly pattern: RegExp; readonly when?: (config: C) => boolean }
  | { readonly kind: "rename"; readonly pattern: RegExp; readonly to: string }
  | { readonly kind: "stack"; readonly pattern: RegExp; readonly to: string };

/** Leaves out weights whose key matches, always or `when` the config says so. */
export const drop = <C>(pattern: RegExp, when?: (config: C) => boolean): SanitizeRule<C> =>
  when === undefined ? { kind: "drop", pattern } : { kind: "drop", pattern, when };

/** Replaces the match in each key by `to`. */
export const rename = (pattern: RegExp, to: string): SanitizeRule<unknown> => ({
  kind: "rename",
  pattern,
  to,
});

/**
 * Stacks the weights of experts, `[N, K]` each, into one `[X, N, K]` named by replacing the match by `to`.
 *
 * @param pattern - its group `expert` matches the expert's number
 */
export const stackExperts = (pattern: RegExp, to: string): SanitizeRule<unknown> => ({
  kind: "stack",
  pattern,
  to,
});

const stackMatches = (
  weights: ReadonlyMap<string, MxArray>,
  pattern: RegExp,
  to: string,
): Map<string, MxArray> => {
  const others = new Map<string, MxArray>();
  const stacks = new Map<string, MxArray[]>();
  for (const [key, value] of weights) {
    const expert = pattern.exec(key)?.groups?.expert;
    if (expert === undefined) {
      others.set(key, value);
      continue;
    }
    const name = key.replace(pattern, to);
    const experts = stacks.get(name) ?? [];
    experts[Number(expert)] = value;
    stacks.set(name, experts);
  }
  // a missing expert makes the stack too small, which loadWeights refuses
  for (const [name, experts] of stacks) others.set(name, stack(Object.values(experts)));
  return others;
};

/** Applies the rules in order. Keys keep their order; stacks come last. */
export const sanitize = <C>(
  weights: ReadonlyMap<string, MxArray>,
  rules: readonly SanitizeRule<C>[],
  config: C,
): Map<string, MxArray> => {
  let current = new Map(weights);
  for (const rule of rules) {
    if (rule.kind === "rename") {
      current = new Map([...current].map(([key, value]) => [key.replace(rule.pattern, rule.to), value]));
    } else if (rule.kind === "stack") {
      current = stackMatches(current, rule.pattern, rule.to);
    } else if (rule.when?.(config) ?? true) {
      current = new Map([...current].filter(([key]) => !rule.pattern.test(key)));
    }
  }
  return current;
};

/** Precomputed rotary frequencies that old checkpoints carry. */
export const dropRotaryTables = drop<unknown>(/self_attn\.rotary_emb\.inv_freq/);

/** The output layer that some checkpoints of always tied models carry. */
export const dropHead = drop<unknown>(/^lm_head\./);

/** The output layer of a checkpoint whose model ties it to the embedding. */
export const dropTiedHead = drop<{ readonly tie_word_embeddings: boolean }>(
  /^lm_head\./,
  (c) => c.tie_word_embeddings,
);

/** Experts as transformers saves them: `mlp.experts.7.up_proj`. */
export const stackNamedExperts = stackExperts(
  /mlp\.experts\.(?<expert>\d+)\.(?<layer>gate_proj|up_proj|down_proj)\./,
  "mlp.switch_mlp.$<layer>.",
);

/** Experts as Mixtral saves them: `block_sparse_moe.experts.7.w1`. */
export const stackMixtralExperts = [
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w1\./, "moe.switch_mlp.gate_proj."),
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w2\./, "moe.switch_mlp.down_proj."),
  stackExperts(/moe\.experts\.(?<expert>\d+)\.w3\./, "moe.switch_mlp.up_proj."),
];
