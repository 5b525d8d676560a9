import { encodeMarked, hasMarks } from "./control-tokens.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer.ts";

/** Token ids of texts and of ids that stand between them, in order. */
export async function encodePieces(
  tokenizer: Tokenizer,
  pieces: readonly (string | readonly number[])[],
  { addSpecialTokens = true }: Pick<EncodeOptions, "addSpecialTokens"> = {},
): Promise<number[]> {
  const parts: (readonly number[])[] = [];
  for (const [i, piece] of pieces.entries()) {
    if (typeof piece !== "string") parts.push(piece);
    else if (hasMarks(piece)) parts.push(await encodeMarked(tokenizer, piece, { continues: i > 0 }));
    else {
      const options = { addSpecialTokens: addSpecialTokens && i === 0, continues: i > 0 };
      parts.push(await tokenizer.encode(piece, options));
    }
  }
  return parts.flat(); // push(...ids) would overflow the stack with a long text's
}
