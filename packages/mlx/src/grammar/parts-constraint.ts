import type { MxArray } from "../core/index.ts";
import type { HeldPart } from "../engine/constraint.ts";
import type { MlxError } from "../errors.ts";
import type { CompiledGrammars } from "./compiled-grammars.ts";
import type { MisleadingTokens } from "./misleading-tokens.ts";
import type { GrammarState } from "./native-grammar.ts";
import { asBytes, type Beginning, PartWatch } from "./part-watch.ts";
import { refusal } from "./refusal.ts";
import type { TokenConstraint } from "./token-constraint.ts";
import { maskLogits } from "./token-mask.ts";
import type { TokenSpelling } from "./token-spelling.ts";

/** What a text goes on from. */
interface TextBefore {
  readonly text: string;
  /** What opens and closes reasoning, where the model has marks for it. */
  readonly reasoning: { readonly start: string; readonly end: string } | undefined;
  /** The text ends within reasoning. */
  readonly isReasoning: boolean;
}

/** A part that has begun, and how far it has come. */
interface OpenPart {
  readonly part: HeldPart;
  readonly state: GrammarState;
}

interface PartsOptions {
  readonly before: TextBefore;
  readonly spelling: TokenSpelling;
  /** Length of the logits. */
  readonly vocabSize: number;
  readonly grammars: CompiledGrammars;
  readonly misleading: MisleadingTokens;
}

/** Holds the parts of an answer from where its text opens them; elsewhere it costs a look at each token. */
export class PartsConstraint implements TokenConstraint {
  readonly #options: PartsOptions;
  readonly #reasoningStart: HeldPart | undefined;
  readonly #watch: PartWatch;
  /** Looks for the end of reasoning while the model reasons. */
  #reasoning: PartWatch | undefined;
  #open: OpenPart | undefined;
  #isComplete = false;
  /** The tokens that would open a part and then not go on as it does, by the beginning of the part. */
  readonly #misleading = new Map<HeldPart, Map<string, readonly number[]>>();
  /** Those of the next token, once they are known. */
  #misleadingNow: readonly number[] | undefined;
  readonly #allowed: Uint8Array;
  #failure: MlxError | undefined;

  constructor(parts: readonly HeldPart[], options: PartsOptions) {
    const { before, vocabSize, grammars } = options;
    // what cannot be compiled is refused now, not when the model opens it
    for (const { isFirst, grammar } of parts) if (isFirst !== true) grammars.check({ grammar });
    this.#options = options;
    this.#allowed = new Uint8Array(vocabSize);
    const { reasoning } = before;
    this.#reasoningStart = reasoning && { start: reasoning.start, grammar: "" };
    const marks = this.#reasoningStart === undefined ? parts : [...parts, this.#reasoningStart];
    this.#watch = new PartWatch(marks, asBytes(before.text));
    if (before.isReasoning) this.#reason();
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get failure(): MlxError | undefined {
    return this.#failure;
  }

  get isFree(): boolean {
    if (this.#isComplete || this.#failure !== undefined || this.#reasoning !== undefined) return true;
    if (this.#open !== undefined) return false;
    this.#guarded(() => {
      this.#misleadingNow ??= this.#watch.beginnings.flatMap((beginning) => this.#misleadingIn(beginning));
    });
    return this.#misleadingNow === undefined || this.#misleadingNow.length === 0;
  }

  apply(logits: MxArray): MxArray {
    if (this.isFree) return logits;
    this.#guarded(() => this.#writeAllowed());
    return this.#failure === undefined ? maskLogits(logits, this.#allowed) : logits;
  }

  #writeAllowed(): void {
    if (this.#open === undefined) {
      this.#allowed.fill(1);
      for (const id of this.#misleadingNow ?? []) this.#allowed[id] = 0;
      return;
    }
    this.#open.state.writeAllowed(this.#allowed);
    if (!this.#allowed.includes(1)) throw new Error("no token of the vocabulary fits");
  }

  #misleadingIn({ part, rest }: Beginning): readonly number[] {
    if (part === this.#reasoningStart) return [];
    const known = this.#misleading.get(part) ?? new Map<string, readonly number[]>();
    this.#misleading.set(part, known);
    const ids = known.get(rest) ?? this.#options.misleading.find(rest, part.grammar);
    known.set(rest, ids);
    return ids;
  }

  accept(token: number): void {
    if (this.#isComplete || this.#failure !== undefined) return;
    this.#misleadingNow = undefined;
    const open = this.#open;
    if (open === undefined) this.#read(token);
    else this.#guarded(() => this.#advance(open, token));
  }

  #advance({ state, part }: OpenPart, token: number): void {
    if (!state.advance(token)) return;
    this.#close();
    this.#isComplete = part.isLast === true;
    this.#watch.restart(false);
  }

  #read(token: number): void {
    const bytes = asBytes(this.#options.spelling.bytes(token));
    if (this.#reasoning !== undefined) {
      if (this.#reasoning.push(bytes) === undefined) return;
      this.#reasoning = undefined;
      this.#watch.restart(true);
      return;
    }
    const opened = this.#watch.push(bytes);
    if (opened?.part === this.#reasoningStart) this.#reason();
    else if (opened !== undefined) this.#guarded(() => this.#openPart(opened, token));
  }

  #reason(): void {
    const { reasoning } = this.#options.before;
    if (reasoning !== undefined) this.#reasoning = new PartWatch([{ start: reasoning.end, grammar: "" }], "");
  }

  /** @param token - the one that ended the part's mark, perhaps with more behind it */
  #openPart({ part, rest }: Beginning, token: number): void {
    const grammar = rest === "" ? part.grammar : [rest, part.grammar];
    const state = this.#options.grammars.start({ grammar });
    this.#open = { part, state };
    if (rest !== "") this.#advance(this.#open, token);
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#failure = refusal("decode", "The constraint could not be followed to its end", cause);
    }
  }

  #close(): void {
    this.#open?.state.free();
    this.#open = undefined;
  }

  dispose(): void {
    this.#close();
  }
}
