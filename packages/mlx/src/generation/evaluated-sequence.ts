/** What earlier requests had evaluated, and whom it serves. */
import { areReadAlike } from "../blocks/prompt-length.ts";

/** What stands at each place of a sequence: a token, or the content that a token of an image is part of. */
export type PrefixKey = readonly (number | string)[];

/** A sequence that is, or is to be, evaluated. */
export interface Sequence {
  readonly key: PrefixKey;
  /** Tokens of the prompt that it was evaluated for. */
  readonly promptLength: number;
  /** Name of the adapter that evaluated it; absent where the model did by itself. */
  readonly adapter?: string | undefined;
  /** Whether the draft model evaluated it. Default false. */
  readonly isDraft?: boolean | undefined;
}

/** A sequence whose caches are kept. */
export interface EvaluatedSequence extends Sequence {
  /** Whether its last positions can be taken back. */
  readonly isTrimmable: boolean;
}

/** Where evaluating may begin at the latest, for a number of known tokens. */
export type StartOf = (known: number) => number;

const commonLength = (a: PrefixKey, b: PrefixKey): number => {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i;
  return end;
};

/** Whether equal tokens leave equal caches. */
const areEvaluatedAlike = (a: Sequence, b: Sequence): boolean =>
  a.adapter === b.adapter && a.isDraft === b.isDraft && areReadAlike(a.promptLength, b.promptLength);

/** How many tokens of a sequence the caches of `known` spare it. */
export const servedLength = (known: EvaluatedSequence, sequence: Sequence, startOf: StartOf): number => {
  if (!areEvaluatedAlike(known, sequence)) return 0;
  const length = startOf(commonLength(known.key, sequence.key));
  return length === known.key.length || known.isTrimmable ? length : 0;
};

/** Whether `b` begins with all of `a`. */
export const isBeginningOf = (a: Sequence, b: Sequence): boolean =>
  areEvaluatedAlike(a, b) && commonLength(a.key, b.key) === a.key.length;

/** Whether whatever begins as `b` is served by `a` as well. */
export const covers = (a: EvaluatedSequence, b: Sequence): boolean =>
  isBeginningOf(b, a) && (a.key.length === b.key.length || a.isTrimmable);
