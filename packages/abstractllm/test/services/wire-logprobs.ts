/** The log probability that the toy model gives a token: made from its text, so that answers can be checked. */
export const logprobOf = (token: string): number => -token.length / 8;

/**
 * A token as OpenAI and Ollama write it. The likeliest in its place is the token itself; those after it go on with it.
 *
 * @param alternatives - how many of the likeliest there are
 */
export function wireLogprob(token: string, alternatives: number): object {
  const others = Array.from({ length: alternatives }, (_, rank) => token + "~".repeat(rank));
  return { ...wireToken(token), top_logprobs: others.map(wireToken) };
}

const wireToken = (token: string) => ({ token, logprob: logprobOf(token), bytes: [...Buffer.from(token)] });
