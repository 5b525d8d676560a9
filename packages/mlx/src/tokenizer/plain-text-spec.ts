import { isRecord } from "./json-file.ts";

/**
 * The same tokenizer without added tokens: what spells one in a text is segmented like any other text.
 *
 * Added tokens are also taken out of the model's vocabulary by renaming, since a Unigram or word-level model would
 * still find them there. Pieces that merges or single characters need stay.
 */
export function plainTextSpec(spec: Record<string, unknown>): Record<string, unknown> {
  const added = new Set<string>();
  for (const token of Array.isArray(spec.added_tokens) ? spec.added_tokens : []) {
    if (isRecord(token) && typeof token.content === "string") added.add(token.content);
  }
  const model = isRecord(spec.model) ? spec.model : {};
  const keep = piecesInUse(model, added);
  const hidden = (piece: string) => added.has(piece) && !keep.has(piece) && [...piece].length > 1;
  return { ...spec, added_tokens: [], model: { ...model, vocab: hideInVocab(model.vocab, hidden) } };
}

/** A spelling that no text has: U+FFFF is not a character. */
const hiddenName = (piece: string): string => `\uFFFF${piece}`;

function hideInVocab(vocab: unknown, hidden: (piece: string) => boolean): unknown {
  if (Array.isArray(vocab)) {
    return vocab.map((entry) =>
      Array.isArray(entry) && typeof entry[0] === "string" && hidden(entry[0])
        ? [hiddenName(entry[0]), ...entry.slice(1)]
        : entry,
    );
  }
  if (!isRecord(vocab)) return vocab;
  const result: Record<string, unknown> = Object.create(null);
  for (const [piece, id] of Object.entries(vocab)) result[hidden(piece) ? hiddenName(piece) : piece] = id;
  return result;
}

/** Those of the added tokens that are the unknown token or a half or result of a merge. */
function piecesInUse(model: Record<string, unknown>, added: ReadonlySet<string>): Set<string> {
  const keep = new Set<string>();
  if (typeof model.unk_token === "string") keep.add(model.unk_token);
  for (const merge of Array.isArray(model.merges) ? model.merges : []) {
    const pair: unknown[] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    for (const piece of [...pair, pair.join("")]) {
      if (typeof piece === "string" && added.has(piece)) keep.add(piece);
    }
  }
  return keep;
}
