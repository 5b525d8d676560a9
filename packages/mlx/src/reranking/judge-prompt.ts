/** How Qwen3-Reranker is asked about a pair. @see https://huggingface.co/Qwen/Qwen3-Reranker-0.6B */
import { TokenizerError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { PairTokens, QueryDocument } from "./encode-pair.ts";
import { excessTokens, type PairLimit } from "./pair-length.ts";

/** What a query asks for unless it is said. */
export const DEFAULT_INSTRUCTION =
  "Given a web search query, retrieve relevant passages that answer the query";

const BEFORE =
  "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. " +
  'Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n';
const BEHIND = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";

/** The tokens whose logits are compared. */
export interface Answers {
  readonly yes: number;
  readonly no: number;
}

/** @throws {TokenizerError} for a vocabulary without them */
export const findAnswers = (tokenizer: Tokenizer): Answers => {
  const [yes, no] = [tokenizer.tokenToId("yes"), tokenizer.tokenToId("no")];
  if (yes === undefined || no === undefined)
    throw new TokenizerError("The tokenizer has no tokens yes and no, by which the model would answer");
  return { yes, no };
};

/** The marks of the conversation, and texts that cannot spell them. */
const asMarks = { addSpecialTokens: false } as const;
const asText = { ...asMarks, controlTokens: "text" } as const;

/**
 * The tokens of the question about a pair.
 *
 * @throws {MlxError} `context-length` for one that is too long
 */
export const encodeQuestion = async (
  tokenizer: Tokenizer,
  { query, document, index }: QueryDocument,
  { instruction, ...limit }: PairLimit & { readonly instruction: string },
): Promise<PairTokens> => {
  const head = `<Instruct>: ${instruction}\n<Query>: ${query}\n<Document>:`;
  const [before, behind, content, fixed] = await Promise.all([
    tokenizer.encode(BEFORE, asMarks),
    tokenizer.encode(BEHIND, asMarks),
    tokenizer.encode(`${head} ${document}`, asText),
    tokenizer.encode(head, asText),
  ]);
  const whole = before.length + content.length + behind.length;
  const excess = excessTokens({ whole, ofDocument: content.length - fixed.length }, limit, index);
  return { tokens: [...before, ...content.slice(0, content.length - excess), ...behind] };
};
