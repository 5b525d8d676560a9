import type { MxArray } from "../../core/index.ts";
import type { Timings } from "../../engine/types.ts";
import { DraftPace } from "./draft-pace.ts";
import type { DraftContext, Drafter } from "./drafter.ts";

/** A drafter and how it has done so far. */
interface Source {
  readonly drafter: Drafter;
  readonly pace: DraftPace;
}

export interface SpeculationOptions {
  /** Prompt of the sequence. */
  readonly prompt: readonly number[];
  /** Tokens of each draft. Default: by how many are accepted. */
  readonly numDraftTokens: number | undefined;
  /** Whether a token can be continued from; others end a draft. */
  isWord(token: number): boolean;
}

/** Guesses of how one sequence goes on, and what became of them. */
export class Speculation {
  readonly #isWord: (token: number) => boolean;
  readonly #tokens: number[];
  #sources: Source[];
  /** Those that may draft now. */
  #due: readonly Source[] = [];
  #latest: Source | undefined;
  #drafted = 0;
  #accepted = 0;
  readonly #warnings: string[] = [];

  /** @param drafters - the first one with an idea is taken */
  constructor(drafters: readonly Drafter[], { prompt, numDraftTokens, isWord }: SpeculationOptions) {
    this.#sources = drafters.map((drafter) => ({ drafter, pace: new DraftPace(numDraftTokens) }));
    this.#tokens = [...prompt];
    this.#isWord = isWord;
  }

  /** Tokens that were tried, and those of them that the sequence said. */
  get counts(): Required<Pick<Timings, "draftedTokens" | "acceptedTokens">> {
    return { draftedTokens: this.#drafted, acceptedTokens: this.#accepted };
  }

  /** What went wrong, for the user. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Takes one more token of the sequence. */
  append(token: number): void {
    this.#tokens.push(token);
    for (const source of this.#sources) this.#guarded(source, ({ drafter }) => drafter.append(token));
  }

  /** Whether somebody wants the model's features. */
  get observes(): boolean {
    return this.#sources.some(({ drafter }) => drafter.observe !== undefined);
  }

  /** Takes the model's features `[1, L, E]` of positions from `start` on. */
  observe(features: MxArray, start: number): void {
    for (const source of this.#sources)
      this.#guarded(source, ({ drafter }) => drafter.observe?.(features, start));
  }

  /** Reads what was observed, after it has been computed. */
  catchUp(): void {
    for (const source of this.#sources) this.#guarded(source, ({ drafter }) => drafter.catchUp?.());
  }

  /** Whether drafts may come of it to wait for the token that is being computed. Asked once for each. */
  isWorthWaiting(): boolean {
    this.#due = this.#sources.filter(({ drafter, pace }) => pace.turn() && drafter.isHopeful);
    return this.#due.length > 0;
  }

  /**
   * Tokens that may come behind the next one.
   *
   * @param next - the sequence's next token, not appended yet
   * @param room - at most as many
   */
  draft(next: number, room: number, { caches, fork }: Pick<DraftContext, "caches" | "fork">): number[] {
    const tokens = [...this.#tokens, next];
    for (const source of this.#due) {
      const limit = Math.min(room, source.pace.size);
      const drafts =
        this.#guarded(source, ({ drafter }) => drafter.draft({ tokens, limit, caches, fork })) ?? [];
      const end = drafts.findIndex((token) => !this.#isWord(token));
      if (end === 0 || drafts.length === 0) continue;
      this.#latest = source;
      return end < 0 ? drafts : drafts.slice(0, end);
    }
    return [];
  }

  /** A drafter that fails is left out from there on: answers need none. */
  #guarded<T>(source: Source, work: (source: Source) => T): T | undefined {
    try {
      return work(source);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#warnings.push(`The answer went on without drafts: ${reason}`);
      this.#sources = this.#sources.filter((other) => other !== source);
      source.drafter.dispose();
      return undefined;
    }
  }

  /** Takes how many of the last draft's tokens the sequence said. */
  learn(drafted: number, accepted: number): void {
    this.#drafted += drafted;
    this.#accepted += accepted;
    this.#latest?.pace.learn(drafted, accepted);
  }

  dispose(): void {
    for (const { drafter } of this.#sources) drafter.dispose();
    this.#sources = [];
  }
}
