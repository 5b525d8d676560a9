/** What matters about a model of OpenAI. */
export interface OpenAIModel {
  /** Thinks before it answers: takes no sampling options of ours, and instructions as `developer`. */
  readonly reasons: boolean;
  readonly vision: boolean;
  /** Takes a JSON Schema for its answer. */
  readonly structured: boolean;
  /** Most tokens of an answer. */
  readonly maxOutputTokens: number;
}

const REASONING: OpenAIModel = { reasons: true, vision: true, structured: true, maxOutputTokens: 128_000 };
const CHAT: OpenAIModel = { reasons: false, vision: true, structured: true, maxOutputTokens: 16_384 };

/**
 * By the beginning of the name, the longest that fits.
 *
 * @see https://platform.openai.com/docs/models
 */
const MODELS: Readonly<Record<string, OpenAIModel>> = {
  "gpt-3.5": { ...CHAT, vision: false, structured: false, maxOutputTokens: 4_096 },
  "gpt-4": { ...CHAT, vision: false, structured: false, maxOutputTokens: 8_192 },
  "gpt-4-turbo": { ...CHAT, structured: false, maxOutputTokens: 4_096 },
  "gpt-4o": CHAT,
  "chatgpt-4o": CHAT,
  "gpt-4.1": { ...CHAT, maxOutputTokens: 32_768 },
  "gpt-5": REASONING,
  "codex-mini": { ...REASONING, maxOutputTokens: 100_000 },
  o1: { ...REASONING, maxOutputTokens: 100_000 },
  "o1-mini": { ...REASONING, vision: false, structured: false, maxOutputTokens: 65_536 },
  o3: { ...REASONING, maxOutputTokens: 100_000 },
  "o3-mini": { ...REASONING, vision: false, maxOutputTokens: 100_000 },
  "o4-mini": { ...REASONING, maxOutputTokens: 100_000 },
};

/** What is known of a model by its name; a name that is not known counts as one of the newest kind. */
export function describeOpenAIModel(name: string): OpenAIModel {
  const [base = name] = name.startsWith("ft:") ? name.split(":").slice(1) : [name];
  if (base.startsWith("gpt-5") && base.endsWith("-chat-latest")) return CHAT;
  const fitting = Object.keys(MODELS).filter((prefix) => base.startsWith(prefix));
  const longest = fitting.sort((a, b) => b.length - a.length)[0];
  return (longest === undefined ? undefined : MODELS[longest]) ?? REASONING;
}
