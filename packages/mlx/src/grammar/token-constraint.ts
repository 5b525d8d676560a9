import type { MxArray } from "../core/index.ts";
import type { MlxError } from "../errors.ts";

/** What one answer is held to, token by token. */
export interface TokenConstraint {
  /** Whether nothing may follow. */
  readonly isComplete: boolean;
  /** Why the grammar cannot go on; the answer is worth nothing then. */
  readonly failure: MlxError | undefined;
  /** Whether any token may come next, so that `apply` leaves logits as they are. */
  readonly isFree: boolean;
  /** Logits `[1, V]` without the tokens that may not come next. */
  apply(logits: MxArray): MxArray;
  /** Takes the next token of the answer. */
  accept(token: number): void;
  dispose(): void;
}
