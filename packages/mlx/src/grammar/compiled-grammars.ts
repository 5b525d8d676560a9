import type { Constraint } from "../engine/constraint.ts";
import { boundedJson } from "./bounded-json.ts";
import { type GrammarSource, grammarSource } from "./grammar-source.ts";
import {
  type CompiledGrammar,
  type GrammarState,
  type NativeVocabulary,
  nativeGrammar,
} from "./native-grammar.ts";
import { RecentlyUsed } from "./recently-used.ts";
import { refusal } from "./refusal.ts";
import type { TokenSpelling } from "./token-spelling.ts";
import { createVocabulary, type TokenSource } from "./vocabulary.ts";

/** Some thirty sets of twenty tools. */
const KEPT_BYTES = 32 * 2 ** 20;
/** What a compiled grammar takes, measured: so much, and so much for each character that it was compiled from. */
const BYTES_PER_GRAMMAR = 32 * 1024;
const BYTES_PER_CHARACTER = 100;

/** The grammars of one model's requests, each compiled once while it is not forgotten: the least recently used are. */
export class CompiledGrammars {
  readonly #source: TokenSource;
  readonly #spelling: TokenSpelling;
  readonly #kept = new RecentlyUsed<CompiledGrammar>(KEPT_BYTES, (grammar) => grammar.free());
  #vocabulary: NativeVocabulary | undefined;

  constructor(source: TokenSource, spelling: TokenSpelling) {
    this.#source = source;
    this.#spelling = spelling;
  }

  /**
   * Begins a text that is held as a whole; the caller frees it.
   *
   * @throws {InvalidArgumentError} when the constraint is none
   * @throws {MlxError} `unsupported-feature` when the grammar engine is missing or refuses the grammar, with its reason
   */
  start(constraint: Constraint): GrammarState {
    return this.#get(constraint).start();
  }

  /** Throws where `start` would. */
  check(constraint: Constraint): void {
    this.#get(constraint);
  }

  /** Valid until the next one is asked for, which may take its place. */
  #get(constraint: Constraint): CompiledGrammar {
    const key = keyOf(constraint);
    const known = key === undefined ? undefined : this.#kept.get(key);
    if (known !== undefined) return known;
    const source = grammarSource(constraint, this.#spelling);
    const grammar = this.#compile(source);
    const bytes = BYTES_PER_GRAMMAR + BYTES_PER_CHARACTER * source.text.length;
    if (key !== undefined) this.#kept.add(key, grammar, bytes);
    return grammar;
  }

  #compile({ kind, text }: GrammarSource): CompiledGrammar {
    this.#vocabulary ??= createVocabulary(this.#source, this.#spelling);
    const { CompiledGrammar: Compiled } = nativeGrammar();
    try {
      return new Compiled(this.#vocabulary, kind, text);
    } catch (cause) {
      throw refusal("compile", "The constraint cannot be compiled", cause);
    }
  }

  /** Forgets all of them. */
  dispose(): void {
    this.#kept.clear();
    this.#vocabulary = undefined;
  }
}

/** What a grammar depends on, for one model; undefined for what is not worth remembering. */
const keyOf = (constraint: Constraint): string | undefined => boundedJson(Object.entries(constraint)); // one of two keys is not lost where it has no value
