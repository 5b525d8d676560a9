/** What matters about a model of Anthropic. */
export interface AnthropicModel {
  /** How it is told to think: with a number of tokens, by degrees, either way, or not at all. */
  readonly thinks: "budget" | "adaptive" | "either" | "never";
  /**
   * How it is told not to think: by asking for nothing, since it thinks only when asked, or with one of the service's
   * two words for it, or not at all.
   */
  readonly off: "unasked" | "disabled" | "between_tools" | "impossible";
  /** Takes a JSON Schema for its answer. */
  readonly structured: boolean;
}

const PLAIN: AnthropicModel = { thinks: "never", off: "unasked", structured: false };
const BUDGET: AnthropicModel = { thinks: "budget", off: "unasked", structured: true };
const ADAPTIVE: AnthropicModel = { thinks: "adaptive", off: "disabled", structured: true };
const ALWAYS: AnthropicModel = { ...ADAPTIVE, off: "impossible" };

/**
 * By the beginning of the name, the longest that fits.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting
 */
const MODELS: Readonly<Record<string, AnthropicModel>> = {
  "claude-3": PLAIN,
  "claude-3-7": { ...BUDGET, structured: false },
  "claude-opus-4": { ...BUDGET, structured: false },
  "claude-sonnet-4": { ...BUDGET, structured: false },
  "claude-haiku-4-5": BUDGET,
  "claude-sonnet-4-5": BUDGET,
  "claude-opus-4-5": BUDGET,
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

/** What is known of a model by its name; a name that is not known counts as one of the newest kind. */
export function describeAnthropicModel(name: string): AnthropicModel {
  const fitting = Object.keys(MODELS).filter((prefix) => name.startsWith(prefix));
  const longest = fitting.sort((a, b) => b.length - a.length)[0];
  return (longest === undefined ? undefined : MODELS[longest]) ?? ADAPTIVE;
}
