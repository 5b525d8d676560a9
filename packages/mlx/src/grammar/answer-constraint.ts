import type { MxArray } from "../core/index.ts";
import type { MlxError } from "../errors.ts";
import type { GrammarState } from "./native-grammar.ts";
import type { ReasoningGate } from "./reasoning-gate.ts";
import { refusal } from "./refusal.ts";
import type { TokenConstraint } from "./token-constraint.ts";
import { maskLogits } from "./token-mask.ts";

/** Holds the whole of an answer, behind its reasoning. */
export class AnswerConstraint implements TokenConstraint {
  readonly #state: GrammarState;
  readonly #gate: ReasoningGate;
  readonly #eosTokenIds: ReadonlySet<number>;
  readonly #allowed: Uint8Array;
  #count = 0;
  #mayOpenReasoning = false;
  #isComplete = false;
  #failure: MlxError | undefined;

  /** @param vocabSize - length of the logits */
  constructor(
    state: GrammarState,
    gate: ReasoningGate,
    { eosTokenIds, vocabSize }: { eosTokenIds: ReadonlySet<number>; vocabSize: number },
  ) {
    this.#state = state;
    this.#gate = gate;
    this.#eosTokenIds = eosTokenIds;
    this.#allowed = new Uint8Array(vocabSize);
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get failure(): MlxError | undefined {
    return this.#failure;
  }

  get isFree(): boolean {
    return this.#isComplete || this.#failure !== undefined;
  }

  apply(logits: MxArray): MxArray {
    if (this.isFree) return logits;
    this.#guarded(() => this.#writeAllowed());
    return this.#failure === undefined ? maskLogits(logits, this.#allowed) : logits;
  }

  #writeAllowed(): void {
    if (this.#gate.isReasoning) {
      this.#allowed.fill(1);
      for (const id of this.#eosTokenIds) this.#allowed[id] = 0; // the answer is still to come
      return;
    }
    this.#state.writeAllowed(this.#allowed);
    const { opener } = this.#gate;
    if (this.#count === 0 && opener !== undefined) {
      this.#mayOpenReasoning = this.#allowed[opener] === 0; // what is the answer's own opens nothing
      this.#allowed[opener] = 1;
    }
    if (!this.#allowed.includes(1)) throw new Error("no token of the vocabulary fits");
  }

  accept(token: number): void {
    const mayOpen = this.#count++ === 0 && this.#mayOpenReasoning;
    if (this.#isComplete || this.#failure !== undefined || this.#gate.takes(token, mayOpen)) return;
    this.#guarded(() => {
      this.#isComplete = this.#state.advance(token);
    });
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#failure = refusal("decode", "The constraint could not be followed to its end", cause);
    }
  }

  dispose(): void {
    this.#state.free();
  }
}
