/** Options of one call of `embed`. */
export interface EmbedOptions {
  /** Name of the embedding model. Default: the configured model; `text-embedding-3-small` for openai. */
  model?: string | undefined;
  /** Numbers per vector, for models that can shorten them. Default: as many as the model has. */
  dimensions?: number | undefined;
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
  /** The provider's message as it came. */
  raw: unknown;
}
