import type { LayerCache } from "../../cache/index.ts";
import type { MxArray } from "../../core/index.ts";
import type { TokenChooser } from "../token-chooser.ts";

/** Where a sequence has come to. */
export interface DraftContext {
  /** Its prompt and the answer so far. */
  readonly tokens: readonly number[];
  /** At most as many tokens are of use. */
  readonly limit: number;
  /** Gives those of the model, which hold all tokens but the last. */
  readonly caches: () => readonly LayerCache[];
  /** Chooses what the sequence would choose from the same logits; the caller disposes it. */
  fork(): TokenChooser;
}

/** Guesses how one sequence goes on. */
export interface Drafter {
  /** Whether it may have a guess once the token that is being computed is known: waiting for that token costs time. */
  readonly isHopeful: boolean;
  /** Takes one more token of the sequence. */
  append(token: number): void;
  /**
   * Takes the model's features (`ForwardOptions`) of positions of the sequence, which need not be computed yet. Absent
   * where nothing comes of them.
   *
   * @param features - `[1, L, E]`
   * @param start - the first of the positions
   */
  observe?(features: MxArray, start: number): void;
  /** Reads what it has taken, after it has been computed. */
  catchUp?(): void;
  /** The tokens that may come behind those of the context; none when it has no idea. */
  draft(context: DraftContext): number[];
  dispose(): void;
}
