import type { PromptTokenLogprob, TokenLogprob, TokenWithLogprob } from "abstractllm";

const entry = ({ token, logprob, bytes }: TokenWithLogprob) => ({ token, logprob, bytes: bytes ?? null });

/** As choices of chat completions have them. */
export const chatLogprobs = (tokens: readonly TokenLogprob[] | undefined): object | null =>
  tokens === undefined
    ? null
    : {
        content: tokens.map((token) => ({ ...entry(token), top_logprobs: token.topLogprobs.map(entry) })),
        refusal: null,
      };

const responseEntry = ({ token, logprob, bytes }: TokenWithLogprob) => ({
  token,
  logprob,
  bytes: bytes ?? [],
});

/** As texts of responses have them. */
export const responseLogprobs = (tokens: readonly TokenLogprob[] = []) =>
  tokens.map((token) => ({ ...responseEntry(token), top_logprobs: token.topLogprobs.map(responseEntry) }));

/**
 * As choices of `/v1/completions` have them.
 *
 * @param offset - where in the choice's text the first token begins
 */
export const textLogprobs = (
  tokens: readonly PromptTokenLogprob[] | undefined,
  offset: number,
): object | null => {
  if (tokens === undefined) return null;
  let next = offset;
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob ?? null),
    top_logprobs: tokens.map(({ topLogprobs: top }) =>
      top.length === 0 ? null : Object.fromEntries(top.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: tokens.map(({ token }) => {
      const start = next;
      next += token.length;
      return start;
    }),
  };
};
