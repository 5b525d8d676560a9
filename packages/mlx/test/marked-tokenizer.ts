import { type Tokenizer, tokenizerFromGguf } from "../src/tokenizer/index.ts";

/** A vocabulary of single tokens: those that control a model come first. */
interface Vocabulary {
  readonly control: readonly string[];
  readonly others: readonly string[];
}

/** A tokenizer of a vocabulary that ends with its first token, with other names for the tokens that it is to be without. */
export const markedTokenizer = (
  { control, others }: Vocabulary,
  template: string,
  without: readonly string[] = [],
): Tokenizer => {
  const tokens = [...control, ...others];
  const metadata = new Map<string, unknown>([
    ["tokenizer.ggml.model", "gpt2"],
    ["tokenizer.ggml.pre", "gpt-2"],
    ["tokenizer.ggml.tokens", tokens.map((token) => (without.includes(token) ? `${token}-` : token))],
    ["tokenizer.ggml.token_type", Int32Array.from(tokens, (_, i) => (i < control.length ? 3 : 1))],
    ["tokenizer.ggml.merges", []],
    ["tokenizer.ggml.eos_token_id", 0],
    ["tokenizer.chat_template", template],
  ]);
  return tokenizerFromGguf(metadata, () => metadata);
};
