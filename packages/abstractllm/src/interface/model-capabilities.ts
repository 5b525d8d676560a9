/** What is known of a model, whoever runs it. What is left out is not known. */
export interface ModelCapabilities {
  /** Tokens that prompt and answer may have together. */
  readonly contextWindow?: number;
  /** Tokens that an answer may have, reasoning included. */
  readonly maxOutputTokens?: number;
  /** Takes images. */
  readonly vision?: boolean;
  /** Takes sound. */
  readonly audio?: boolean;
  /** Was trained to call tools. */
  readonly tools?: boolean;
  /** Can be held to a JSON Schema by its service. */
  readonly structuredOutput?: boolean;
  /** Thinks before it answers, or can. */
  readonly reasoning?: boolean;
}
