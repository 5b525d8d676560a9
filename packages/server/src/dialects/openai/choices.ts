import type { Call, Some } from "../../answer/index.ts";
import { RequestProblem } from "../../http/request-problem.ts";

/** As many as OpenAI gives. */
const MOST_CHOICES = 128;

/** @throws {RequestProblem} for more choices than one request may have */
export function checkChoices(count: number, param: "n" | "prompt"): void {
  if (count <= MOST_CHOICES) return;
  const message = `${count} answers are too many for one request, which has ${MOST_CHOICES} at most; send several`;
  throw new RequestProblem("invalid", message, { param });
}

/** The call for each of several answers to one prompt: with a seed, each has its own. */
export function choicesOf<C extends Call>(call: C, n: number): Some<C> {
  const { seed } = call.options;
  const nth = (index: number): C => {
    return seed === undefined ? call : { ...call, options: { ...call.options, seed: seed + index } };
  };
  return [call, ...Array.from({ length: n - 1 }, (_, index) => nth(index + 1))];
}

/** Behind a stream's last chunk. */
export const DONE = { data: "[DONE]" } as const;
