import { answerFormat, type Tokenizer } from "../tokenizer/index.ts";

/** How much text a mark can be found in that is spread over tokens; marks are shorter. */
const TAIL_LENGTH = 128;

/** gpt-oss writes what it thinks and its answer into channels. */
const HARMONY_ANSWER = /<\|channel\|>final[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>$/;

/** Whether a model still reasons, which no constraint concerns. */
export class ReasoningGate {
  /** A token that may stand before an answer instead of its beginning: it opens reasoning. */
  readonly opener: number | undefined;
  readonly #isOver: (tail: string) => boolean;
  readonly #tokenizer: Tokenizer;
  #isReasoning: boolean;
  #tail = "";

  /** @param prompt - token ids that the answer goes on from */
  constructor(tokenizer: Tokenizer, prompt: readonly number[]) {
    const { toolDialect, reasoning } = answerFormat(tokenizer);
    this.#tokenizer = tokenizer;
    if (toolDialect === "harmony") {
      this.#isOver = (tail) => HARMONY_ANSWER.test(tail);
      this.#isReasoning = !this.#isOver(tailOf(tokenizer, prompt));
      return;
    }
    this.#isOver = (tail) => reasoning === undefined || tail.includes(reasoning.end);
    this.#isReasoning = false;
    if (reasoning === undefined) return;
    this.#isReasoning = endsWithinReasoning(tokenizer, prompt, reasoning);
    const hasReasoned = tailOf(tokenizer, prompt).slice(-TAIL_LENGTH).includes(reasoning.end);
    if (!this.#isReasoning && !hasReasoned) this.opener = openerOf(tokenizer, reasoning.start);
  }

  get isReasoning(): boolean {
    return this.#isReasoning;
  }

  /**
   * Takes a token of the answer; true when it is none of what the constraint describes.
   *
   * @param mayOpen - reasoning
   */
  takes(token: number, mayOpen: boolean): boolean {
    if (mayOpen && token === this.opener) this.#isReasoning = true;
    if (!this.#isReasoning) return false;
    this.#tail = (this.#tail + textOf(this.#tokenizer, [token])).slice(-TAIL_LENGTH);
    this.#isReasoning = !this.#isOver(this.#tail);
    return true;
  }
}

/** Whether a prompt leaves reasoning open. */
export const endsWithinReasoning = (
  tokenizer: Tokenizer,
  prompt: readonly number[],
  { start, end }: { readonly start: string; readonly end: string },
): boolean => {
  const text = textOf(tokenizer, prompt);
  return text.lastIndexOf(start) > text.lastIndexOf(end);
};

/** The end of a prompt, in which marks can be found. */
export const tailOf = (tokenizer: Tokenizer, prompt: readonly number[]): string =>
  textOf(tokenizer, prompt.slice(-TAIL_LENGTH));

const textOf = (tokenizer: Tokenizer, ids: readonly number[]): string =>
  ids.map((id) => tokenizer.idToToken(id) ?? "").join("");

/** The added token that a mark is or begins with. */
const openerOf = ({ addedTokens }: Tokenizer, mark: string): number | undefined =>
  addedTokens.find(({ content }) => content !== "" && mark.startsWith(content))?.id;
