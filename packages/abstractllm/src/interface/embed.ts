/** Options of one call of `embed`. */
export interface EmbedOptions {
  /** Name of the embedding model. Default: the configured model; `text-embedding-3-small` for openai. */
  model?: string | undefined;
  /** Numbers per vector, for models that can shorten them. Default: as many as the model has. */
  dimensions?: number | undefined;
  /**
   * What the texts are in a search, for models that read both in ways of their own. Default: neither. Providers without a
   * word for it, and models without prompts for it, refuse it.
   */
  inputType?: "query" | "document" | undefined;
  /**
   * What queries ask for, in a sentence, for models that follow instructions: it takes the place of what the model's prompt
   * for queries says. mlx alone; others refuse it. Default: what the prompt says.
   */
  instruction?: string | undefined;
  /**
   * Whether the end of a text that is too long is left out. Default false: such a text is an error. mlx, ollama and
   * huggingface; others refuse true.
   */
  truncate?: boolean | undefined;
  /** Aborting it ends the call, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Most milliseconds the call may take. Default: the configured `timeout`. */
  timeout?: number | undefined;
}

/** Vectors for texts. */
export interface EmbedResponse {
  /** One vector per text, in the order of the texts. */
  embeddings: readonly (readonly number[])[];
  usage: { inputTokens: number };
  /** The model that made them. */
  model: string;
  provider: string;
  /** What was done otherwise than asked, or decided for the user. */
  warnings: readonly string[];
  /** The provider's message as it came. */
  raw: unknown;
}

/** What a provider makes of texts; warnings where it has any. */
export type ProviderEmbeddings = Omit<EmbedResponse, "provider" | "warnings"> &
  Partial<Pick<EmbedResponse, "warnings">>;
