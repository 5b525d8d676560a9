/** How a model of Anthropic is told to think. */
export interface ThinkingRules {
  /** With a number of tokens, by degrees, either way, or not at all. */
  readonly thinks: "budget" | "adaptive" | "either" | "never";
  /**
   * How it is told not to: by asking for nothing, since it thinks only when asked, or with one of the service's two words
   * for it, or not at all.
   */
  readonly off: "unasked" | "disabled" | "between_tools" | "impossible";
}

const NEVER: ThinkingRules = { thinks: "never", off: "unasked" };
const BUDGET: ThinkingRules = { thinks: "budget", off: "unasked" };
const ADAPTIVE: ThinkingRules = { thinks: "adaptive", off: "disabled" };
const ALWAYS: ThinkingRules = { ...ADAPTIVE, off: "impossible" };

/**
 * By the beginning of the name, the longest that fits.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting
 */
const RULES: Readonly<Record<string, ThinkingRules>> = {
  "claude-3": NEVER,
  "claude-3-7": BUDGET,
  "claude-opus-4": BUDGET,
  "claude-sonnet-4": BUDGET,
  "claude-haiku-4-5": BUDGET,
  "claude-sonnet-4-6": { ...BUDGET, thinks: "either" },
  "claude-opus-4-6": { ...BUDGET, thinks: "either" },
  "claude-opus-4-7": { ...ADAPTIVE, off: "unasked" },
  "claude-opus-4-8": { ...ADAPTIVE, off: "unasked" },
  "claude-sonnet-5": ADAPTIVE,
  "claude-sonnet-5-5": { ...ADAPTIVE, off: "between_tools" },
  "claude-opus-5": ADAPTIVE,
  "claude-opus-5-5": ALWAYS,
  "claude-haiku-5": ADAPTIVE,
  "claude-fable": ALWAYS,
  "claude-mythos": ALWAYS,
};

/** How a model is told to think, by its name; a name that is not known counts as one of the newest kind. */
export function thinkingRules(model: string): ThinkingRules {
  const fitting = Object.keys(RULES).filter((prefix) => model.startsWith(prefix));
  const longest = fitting.sort((a, b) => b.length - a.length)[0];
  return (longest === undefined ? undefined : RULES[longest]) ?? ADAPTIVE;
}
