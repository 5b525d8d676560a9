import { ContextWindowExceededError } from "../errors/index.ts";
import type { TruncationStrategy } from "../interface/generate-options.ts";
import type { Message } from "../interface/message.ts";
import { turnsOf } from "./turns.ts";

/** A conversation from which whole turns can be left out; the last one, which is being answered, always stays. */
export interface Truncatable {
  /** Most turns that can be left out. */
  readonly most: number;
  /** What is left without this many turns. */
  without(turns: number): Message[];
}

/** What a strategy allows to leave out of a conversation. */
export function truncatable(messages: readonly Message[], strategy: TruncationStrategy): Truncatable {
  const turns = turnsOf(messages);
  const kept = strategy === "truncateMiddle" ? 1 : 0; // turns at the start that stay
  const most = strategy === "stopAtLimit" ? 0 : Math.max(0, turns.length - 1 - kept);
  return { most, without: (count) => turns.toSpliced(kept, count).flat() };
}

/** Length of a conversation, and whether that is counted or estimated. */
export interface Length {
  readonly tokens: number;
  readonly isExact: boolean;
}

/**
 * The fewest turns to leave out so that the rest has at most `limit` tokens.
 *
 * @throws {ContextWindowExceededError} when it is too long without all of them, by an exact count
 */
export async function turnsToLeaveOut(
  { most, without }: Truncatable,
  limit: number,
  measure: (messages: readonly Message[]) => Promise<Length>,
): Promise<number> {
  if ((await measure(without(0))).tokens <= limit) return 0;
  const shortest = await measure(without(most));
  if (shortest.tokens > limit) {
    if (!shortest.isExact) return most; // an estimate refuses nothing; the service decides
    const message = `The conversation has ${shortest.tokens} tokens when shortened as far as its truncationStrategy allows, more than the limit of ${limit}; shorten the prompt or raise maxInputTokens or contextWindow`;
    throw new ContextWindowExceededError(limit, shortest.tokens, message);
  }
  let [tooFew, enough] = [0, most];
  while (enough - tooFew > 1) {
    const middle = Math.floor((tooFew + enough) / 2);
    const fits = (await measure(without(middle))).tokens <= limit;
    if (fits) enough = middle;
    else tooFew = middle;
  }
  return enough;
}
