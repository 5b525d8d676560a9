/** Rules that fit a checkpoint's weight keys to a model's parameters; data, so they can be printed and tested. */

export type SanitizeRule<C> =
  | { readonly kind: "drop"; readonly pattern: RegExp; readonly when?: (config: C) => boolean }
  | { readonly kind: "rename"; readonly pattern: RegExp; readonly to: string };

/** Leaves out weights whose key matches, always or `when` the config says so. */
export const drop = <C>(pattern: RegExp, when?: (config: C) => boolean): SanitizeRule<C> =>
  when === undefined ? { kind: "drop", pattern } : { kind: "drop", pattern, when };

/** Replaces the match in each key by `to`. */
export const rename = (pattern: RegExp, to: string): SanitizeRule<unknown> => ({
  kind: "rename",
  pattern,
  to,
});

/** Applies the rules in order. Keys keep their order. */
export const sanitize = <C, W>(
  weights: ReadonlyMap<string, W>,
  rules: readonly SanitizeRule<C>[],
  config: C,
): Map<string, W> => {
  let current = new Map(weights);
  for (const rule of rules) {
    if (rule.kind === "rename") {
      current = new Map([...current].map(([key, value]) => [key.replace(rule.pattern, rule.to), value]));
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
