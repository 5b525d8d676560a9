import type { Constraint } from "../engine/types.ts";
import { grammarSource } from "./grammar-source.ts";
import { type GrammarState, type NativeVocabulary, nativeGrammar } from "./native-grammar.ts";
import { ReasoningGate } from "./reasoning-gate.ts";
import { refusal, TokenConstraint } from "./token-constraint.ts";
import { createVocabulary, requireConstraints, type TokenSource } from "./vocabulary.ts";

/** Makes the constraints of one model's answers. */
export class ConstraintMaker {
  readonly #source: TokenSource;
  #vocabulary: NativeVocabulary | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
  }

  /**
   * A constraint for one answer; whoever takes it disposes it.
   *
   * @param prompt - token ids that the answer goes on from
   * @throws {InvalidArgumentError} when the constraint is none
   * @throws {MlxError} `unsupported-feature` when the grammar engine is missing or refuses the grammar, with its reason
   */
  make(constraint: Constraint, prompt: readonly number[]): TokenConstraint {
    const { tokenizer } = this.#source;
    requireConstraints(tokenizer);
    const { kind, text } = grammarSource(constraint, tokenizer);
    this.#vocabulary ??= createVocabulary(this.#source);
    const { GrammarState: State } = nativeGrammar();
    let state: GrammarState;
    try {
      state = new State(this.#vocabulary, kind, text);
    } catch (cause) {
      throw refusal("compile", "The constraint cannot be compiled", cause);
    }
    return new TokenConstraint(state, new ReasoningGate(tokenizer, prompt), this.#source);
  }
}
