import type { GenerateOptions, PromptTokenLogprob, TokenLogprob, TokenWithLogprob } from "abstractllm";
import { RequestProblem } from "../../http/request-problem.ts";

/** As many alternatives to a token as OpenAI gives. */
const MOST_ALTERNATIVES = 20;

/** The option for a number of alternatives. @throws {RequestProblem} */
export function logprobsOption(count: number, param: string): NonNullable<GenerateOptions["logprobs"]> {
  if (count >= 0 && count <= MOST_ALTERNATIVES) return count === 0 ? true : count;
  const message = `Expected 0 to ${MOST_ALTERNATIVES} for ${param} but received ${count}`;
  throw new RequestProblem("invalid", message, { param });
}

const entry = ({ token, logprob, bytes }: TokenWithLogprob) => ({ token, logprob, bytes: bytes ?? null });

/** As choices of chat completions have them. */
export const chatLogprobs = (tokens: readonly TokenLogprob[] | undefined): object | null =>
  tokens === undefined
    ? null
    : {
        content: tokens.map((token) => ({ ...entry(token), top_logprobs: token.topLogprobs.map(entry) })),
        refusal: null,
      };

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
