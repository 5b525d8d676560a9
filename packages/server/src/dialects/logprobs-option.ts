import type { GenerateOptions } from "abstractllm";
import { RequestProblem } from "../http/request-problem.ts";

/** As many alternatives to a token as OpenAI and Ollama give. */
const MOST_ALTERNATIVES = 20;

/** The option for a number of alternatives. @throws {RequestProblem} */
export function logprobsOption(count: number, param: string): NonNullable<GenerateOptions["logprobs"]> {
  if (count >= 0 && count <= MOST_ALTERNATIVES) return count === 0 ? true : count;
  const message = `Expected 0 to ${MOST_ALTERNATIVES} for ${param} but received ${count}`;
  throw new RequestProblem("invalid", message, { param });
}

/**
 * The option for a request that asks for log probabilities in one field and for alternatives in `top_logprobs`.
 *
 * @param way - how a request asks for them, for the message
 * @throws {RequestProblem} for alternatives alone, or too many
 */
export function askedLogprobs(
  isAsked: boolean,
  count = 0,
  way = "logprobs: true",
): GenerateOptions["logprobs"] {
  if (isAsked) return logprobsOption(count, "top_logprobs");
  if (count === 0) return undefined;
  throw new RequestProblem("invalid", `top_logprobs needs ${way}`, { param: "top_logprobs" });
}
