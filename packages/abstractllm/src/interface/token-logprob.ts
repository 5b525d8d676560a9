/** A token, and the natural logarithm of the probability that the model gave it. */
export interface TokenWithLogprob {
  /** Its text, with U+FFFD for bytes that are no whole character. */
  token: string;
  /** Its text as UTF-8; absent where a service does not tell. */
  bytes?: readonly number[];
  logprob: number;
}

/** A token of an answer. */
export interface TokenLogprob extends TokenWithLogprob {
  /** The likeliest tokens in its place, the likeliest first; as many as the option asks for, where the service knows them. */
  topLogprobs: readonly TokenWithLogprob[];
}

/** A token of a prompt; the first one comes after nothing and has no `logprob`. */
export interface PromptTokenLogprob extends Omit<TokenLogprob, "logprob"> {
  logprob?: number;
}
