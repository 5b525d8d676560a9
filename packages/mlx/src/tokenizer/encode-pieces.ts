import { encodeMarked, hasMarks } from "./control-tokens.ts";
import type { EncodeOptions, Tokenizer } from "./tokenizer.ts";

/** Token ids of texts and of ids that stand between them, in order. */
export async function encodePieces(
  tokenizer: Tokenizer,
  pieces: readonly (string | readonly number[])[],
  { addSpecialTokens = true }: Pick<EncodeOptions, "addSpecialTokens"> = {},
): Promise<number[]> {
  const ids: number[] = [];
  for (const [i, piece] of pieces.entries()) {
    if (typeof piece !== "string") ids.push(...piece);
    else if (hasMarks(piece)) ids.push(...(await encodeMarked(tokenizer, piece, { continues: i > 0 })));
    else {
      const options = { addSpecialTokens: addSpecialTokens && i === 0, continues: i > 0 };
      ids.push(...(await tokenizer.encode(piece, options)));
    }
  }
  return ids;
}
