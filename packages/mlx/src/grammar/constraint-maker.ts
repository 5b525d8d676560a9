import type { Constraint, HeldPart } from "../engine/constraint.ts";
import { answerFormat } from "../tokenizer/index.ts";
import { AnswerConstraint } from "./answer-constraint.ts";
import { CompiledGrammars } from "./compiled-grammars.ts";
import { heldParts } from "./grammar-source.ts";
import { MisleadingTokens } from "./misleading-tokens.ts";
import { PartsConstraint } from "./parts-constraint.ts";
import { endsWithinReasoning, ReasoningGate, tailOf } from "./reasoning-gate.ts";
import type { TokenConstraint } from "./token-constraint.ts";
import { TokenSpelling } from "./token-spelling.ts";
import { requireConstraints, type TokenSource } from "./vocabulary.ts";

/** Makes the constraints of one model's answers. */
export class ConstraintMaker {
  readonly #source: TokenSource;
  readonly #spelling: TokenSpelling;
  readonly #grammars: CompiledGrammars;
  readonly #misleading: MisleadingTokens;

  constructor(source: TokenSource) {
    const { tokenizer, eosTokenIds, vocabSize } = source;
    this.#source = source;
    this.#spelling = new TokenSpelling(tokenizer, eosTokenIds);
    this.#grammars = new CompiledGrammars(source, this.#spelling);
    this.#misleading = new MisleadingTokens({
      grammars: this.#grammars,
      spelling: this.#spelling,
      vocabSize,
    });
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
    const state = this.#grammars.start(constraint);
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
      grammars: this.#grammars,
      misleading: this.#misleading,
    });
  }

  /** Forgets what was compiled. */
  dispose(): void {
    this.#grammars.dispose();
  }
}
