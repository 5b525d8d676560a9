import type { GenerateResponse, Timings, Usage } from "../interface/generate-response.ts";

/** Two answers of one call as one: the second, with the usage, times, warnings and messages of both. */
export function followedBy(first: GenerateResponse, second: GenerateResponse): GenerateResponse {
  const timings = addTimings(first, second);
  return {
    ...second,
    messages: [...first.messages, ...second.messages],
    usage: addUsage(first.usage, second.usage),
    warnings: [...new Set([...first.warnings, ...second.warnings])],
    ...(timings === undefined ? {} : { timings }),
  };
}

const addUsage = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  totalTokens: a.totalTokens + b.totalTokens,
  cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
});

/** Rates are those of all tokens over all the time they took. */
function addTimings(first: GenerateResponse, second: GenerateResponse): Timings | undefined {
  const { timings: a, usage: u } = first;
  const { timings: b, usage: v } = second;
  if (a === undefined || b === undefined) return b ?? a;
  return {
    timeToFirstTokenMs: a.timeToFirstTokenMs,
    prefillTokensPerSecond: meanRate(
      [u.inputTokens, a.prefillTokensPerSecond],
      [v.inputTokens, b.prefillTokensPerSecond],
    ),
    decodeTokensPerSecond: meanRate(
      [u.outputTokens, a.decodeTokensPerSecond],
      [v.outputTokens, b.decodeTokensPerSecond],
    ),
    peakMemoryBytes: Math.max(a.peakMemoryBytes, b.peakMemoryBytes),
    totalMs: a.totalMs + b.totalMs,
  };
}

function meanRate(...answers: readonly (readonly [tokens: number, perSecond: number])[]): number {
  const timed = answers.filter(([, perSecond]) => perSecond > 0);
  const tokens = timed.reduce((sum, [count]) => sum + count, 0);
  const seconds = timed.reduce((sum, [count, perSecond]) => sum + count / perSecond, 0);
  return seconds === 0 ? 0 : tokens / seconds;
}
