import type * as engine from "@abstractllm/mlx";
import type { PromptTokenLogprob, TokenLogprob, TokenWithLogprob } from "../../interface/token-logprob.ts";

const withLogprob = ({ text, bytes, logprob }: engine.TokenWithLogprob): TokenWithLogprob => ({
  token: text,
  bytes,
  logprob,
});

/** A token of an answer, as the interface has it. */
export const toLogprob = ({ topLogprobs, ...own }: engine.TokenLogprob): TokenLogprob => ({
  ...withLogprob(own),
  topLogprobs: topLogprobs.map(withLogprob),
});

/** A token of a prompt, as the interface has it. */
export const toPromptLogprob = (given: engine.PromptTokenLogprob): PromptTokenLogprob => {
  const { text, bytes, logprob, topLogprobs } = given;
  return {
    token: text,
    bytes,
    ...(logprob === undefined ? {} : { logprob }),
    topLogprobs: topLogprobs.map(withLogprob),
  };
};
