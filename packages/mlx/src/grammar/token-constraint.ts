import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { MlxError } from "../errors.ts";
import type { GrammarState } from "./native-grammar.ts";
import type { ReasoningGate } from "./reasoning-gate.ts";

/** What one answer is held to, token by token. */
export class TokenConstraint {
  readonly #state: GrammarState;
  readonly #gate: ReasoningGate;
  readonly #eosTokenIds: ReadonlySet<number>;
  readonly #allowed: Uint8Array;
  #count = 0;
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

  /** Whether nothing may follow. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Why the grammar cannot go on; the answer is worth nothing then. */
  get failure(): MlxError | undefined {
    return this.#failure;
  }

  /** Logits `[1, V]` without the tokens that may not come next. */
  apply(logits: MxArray): MxArray {
    if (this.#isComplete || this.#failure !== undefined) return logits;
    this.#guarded(() => this.#writeAllowed());
    if (this.#failure !== undefined) return logits;
    const allowed = mx.array(this.#allowed, mx.bool_, [1, this.#allowed.length]);
    return mx.where(allowed, logits, Number.NEGATIVE_INFINITY);
  }

  #writeAllowed(): void {
    if (this.#gate.isReasoning) {
      this.#allowed.fill(1);
      for (const id of this.#eosTokenIds) this.#allowed[id] = 0; // the answer is still to come
      return;
    }
    this.#state.writeAllowed(this.#allowed);
    const { opener } = this.#gate;
    if (this.#count === 0 && opener !== undefined) this.#allowed[opener] = 1;
    if (!this.#allowed.includes(1)) throw new Error("no token of the vocabulary fits");
  }

  /** Takes the next token of the answer. */
  accept(token: number): void {
    const isFirst = this.#count++ === 0;
    if (this.#isComplete || this.#failure !== undefined || this.#gate.takes(token, isFirst)) return;
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

/** What the engine says about a grammar, in one line. */
const MAX_REASON = 300;

/** An error with the grammar engine's reason. */
export const refusal = (stage: "compile" | "decode", what: string, cause: unknown): MlxError => {
  const text = cause instanceof Error ? cause.message : String(cause);
  const reason = text
    .replace("NoExtensionBias", "no token of the vocabulary fits")
    .replace("<non-verbose/>", "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_REASON);
  return new MlxError(stage === "compile" ? "unsupported-feature" : "native", `${what}: ${reason}`, {
    cause,
    details: { feature: "constraint", stage, reason },
  });
};
