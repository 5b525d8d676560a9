import type { Constraint, Grammar, HeldPart } from "../engine/constraint.ts";
import { answerFormat } from "../tokenizer/index.ts";
import { AnswerConstraint } from "./answer-constraint.ts";
import { type GrammarSource, grammarSource, heldParts, sourceOf } from "./grammar-source.ts";
import { type GrammarState, type NativeVocabulary, nativeGrammar } from "./native-grammar.ts";
import { PartsConstraint } from "./parts-constraint.ts";
import { endsWithinReasoning, ReasoningGate, tailOf } from "./reasoning-gate.ts";
import { refusal } from "./refusal.ts";
import type { TokenConstraint } from "./token-constraint.ts";
import { TokenSpelling } from "./token-spelling.ts";
import { createVocabulary, requireConstraints, type TokenSource } from "./vocabulary.ts";

/** Makes the constraints of one model's answers. */
export class ConstraintMaker {
  readonly #source: TokenSource;
  readonly #spelling: TokenSpelling;
  #vocabulary: NativeVocabulary | undefined;

  constructor(source: TokenSource) {
    this.#source = source;
    this.#spelling = new TokenSpelling(source.tokenizer, source.eosTokenIds);
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
    const parts = heldParts(constraint);
    if (parts !== undefined) return this.#makeParts(parts, prompt);
    const state = this.#compile(grammarSource(constraint, this.#spelling));
    return new AnswerConstraint(state, new ReasoningGate(tokenizer, prompt), this.#source);
  }

  #makeParts(parts: readonly HeldPart[], prompt: readonly number[]): TokenConstraint {
    const { tokenizer, vocabSize } = this.#source;
    const { reasoning } = answerFormat(tokenizer);
    const isReasoning = reasoning !== undefined && endsWithinReasoning(tokenizer, prompt, reasoning);
    return new PartsConstraint(parts, {
      before: { text: tailOf(tokenizer, prompt), reasoning, isReasoning },
      spelling: this.#spelling,
      vocabSize,
      compile: (grammar: Grammar) => this.#compile(sourceOf(grammar, this.#spelling)),
    });
  }

  #compile({ kind, text }: GrammarSource): GrammarState {
    this.#vocabulary ??= createVocabulary(this.#source, this.#spelling);
    const { GrammarState: State } = nativeGrammar();
    try {
      return new State(this.#vocabulary, kind, text);
    } catch (cause) {
      throw refusal("compile", "The constraint cannot be compiled", cause);
    }
  }
}
