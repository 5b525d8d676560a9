import type { MxArray } from "../core/index.ts";
import type { Grammar, HeldPart } from "../engine/constraint.ts";
import type { MlxError } from "../errors.ts";
import type { GrammarState } from "./native-grammar.ts";
import { asBytes, type Beginning, PartWatch } from "./part-watch.ts";
import { refusal } from "./refusal.ts";
import type { TokenConstraint } from "./token-constraint.ts";
import { maskLogits } from "./token-mask.ts";
import type { TokenSpelling } from "./token-spelling.ts";

const ANYTHING: Grammar = { regex: "(?s:.*)" };

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
  /** Makes the state of a grammar, with which nothing has come of its text. */
  compile(grammar: Grammar): GrammarState;
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
  readonly #allowed: Uint8Array;
  #failure: MlxError | undefined;

  constructor(parts: readonly HeldPart[], options: PartsOptions) {
    const { before, vocabSize, compile } = options;
    // what cannot be compiled is refused now, not when the model opens it
    for (const { isFirst, grammar } of parts) if (isFirst !== true) compile(grammar).free();
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

  apply(logits: MxArray): MxArray {
    if (this.#isComplete || this.#failure !== undefined || this.#reasoning !== undefined) return logits;
    let isFree = false;
    this.#guarded(() => {
      isFree = this.#open === undefined ? this.#writeBeginning() : this.#writeHeld(this.#open);
    });
    return isFree || this.#failure !== undefined ? logits : maskLogits(logits, this.#allowed);
  }

  /** @returns whether every token may come */
  #writeHeld({ state }: OpenPart): boolean {
    state.writeAllowed(this.#allowed);
    if (!this.#allowed.includes(1)) throw new Error("no token of the vocabulary fits");
    return false;
  }

  /** @returns whether every token may come */
  #writeBeginning(): boolean {
    const misleading = this.#watch.beginnings.flatMap((beginning) => this.#misleadingIn(beginning));
    if (misleading.length === 0) return true;
    this.#allowed.fill(1);
    for (const id of misleading) this.#allowed[id] = 0;
    return false;
  }

  #misleadingIn({ part, rest }: Beginning): readonly number[] {
    if (part === this.#reasoningStart) return [];
    const known = this.#misleading.get(part) ?? new Map<string, readonly number[]>();
    this.#misleading.set(part, known);
    const ids = known.get(rest) ?? this.#findMisleading(part, rest);
    known.set(rest, ids);
    return ids;
  }

  #findMisleading({ grammar }: HeldPart, rest: string): readonly number[] {
    const length = Buffer.byteLength(rest);
    const goesFurther = (id: number): boolean => this.#options.spelling.bytes(id).length > length;
    const opening = this.#allowedBy([rest, ANYTHING]).filter(goesFurther);
    if (opening.length === 0) return [];
    const right = new Set(this.#allowedBy([rest, grammar]));
    return opening.filter((id) => !right.has(id));
  }

  /** The tokens that a text of a grammar can begin with. */
  #allowedBy(grammar: Grammar): number[] {
    const state = this.#options.compile(grammar);
    const allowed = new Uint8Array(this.#allowed.length);
    try {
      state.writeAllowed(allowed);
    } catch {
      return []; // the engine refuses to go on where no token fits
    } finally {
      state.free();
    }
    const ids: number[] = [];
    for (let id = allowed.indexOf(1); id >= 0; id = allowed.indexOf(1, id + 1)) ids.push(id);
    return ids;
  }

  accept(token: number): void {
    if (this.#isComplete || this.#failure !== undefined) return;
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
    const state = this.#options.compile(rest === "" ? part.grammar : [rest, part.grammar]);
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
