import { answerFormat, type Tokenizer } from "../../tokenizer/index.ts";

/** How a model's reasoning begins and ends, in tokens. */
export interface ReasoningFormat {
  readonly start: readonly number[];
  readonly end: readonly number[];
  /** What ends it as well. */
  readonly otherEnds: readonly (readonly number[])[];
  /** What is written behind an end that had to come, for something else to begin. */
  readonly next: readonly number[];
  /** What a thought that is cut off ends with. */
  readonly lastWords: readonly number[];
  /** Whether it comes once, before the answer; later on its marks are text. */
  readonly isFirst: boolean;
  /** Whether a token is white space, which may stand before reasoning. */
  isBlank(token: number): boolean;
}

/**
 * A model that is cut off in the middle of a thought tends to go on with it in its answer, unless the thought says that it
 * ends. @see https://arxiv.org/abs/2505.09388, section 4.3
 */
export const LAST_WORDS = "\n\nI have no more time to think, so I answer with what I know now.\n";

/** gpt-oss ends a message of the analysis channel and begins one of another. */
const HARMONY = {
  start: "<|channel|>analysis<|message|>",
  end: "<|end|>",
  otherEnds: ["<|start|>", "<|channel|>"],
  next: "<|start|>assistant<|channel|>",
};

/** How a model reasons; undefined for one that has no marks for it. */
export const reasoningFormat = async (tokenizer: Tokenizer): Promise<ReasoningFormat | undefined> => {
  const { toolDialect, reasoning } = answerFormat(tokenizer);
  const isHarmony = toolDialect === "harmony";
  if (reasoning === undefined && !isHarmony) return undefined;
  const marks = reasoning === undefined || isHarmony ? HARMONY : { ...reasoning, otherEnds: [], next: "" };
  const encode = (text: string): Promise<number[]> =>
    tokenizer.encode(text, { addSpecialTokens: false, continues: true });
  const tokensOf = async (mark: string): Promise<number[]> => {
    const id = tokenizer.tokenToId(mark);
    return id === undefined ? encode(mark) : [id];
  };
  return {
    start: await tokensOf(marks.start),
    end: await tokensOf(marks.end),
    otherEnds: await Promise.all(marks.otherEnds.map(tokensOf)),
    next: await encode(marks.next),
    lastWords: await encode(LAST_WORDS),
    isFirst: !isHarmony,
    isBlank: (token) => tokenizer.decode([token]).trim() === "",
  };
};
