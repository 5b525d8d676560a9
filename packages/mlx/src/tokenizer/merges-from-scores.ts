import { type GgufVocabulary, TokenType } from "./gguf-metadata.ts";

interface Merge {
  left: string;
  right: string;
  rank: number;
}

/**
 * The merges that a sentencepiece BPE vocabulary implies: every way to cut a token into two others, best token first.
 *
 * @param byPosition - earlier tokens are better, instead of those with higher scores
 * @returns pairs written as `[left, right]`, best first
 */
export function mergesFromScores(vocabulary: GgufVocabulary, byPosition: boolean): [string, string][] {
  const { tokens, types, scores } = vocabulary;
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: Merge[] = [];
  for (const [id, token] of tokens.entries()) {
    // control and byte tokens are never made of others
    if (types[id] !== TokenType.NORMAL && types[id] !== TokenType.USER_DEFINED) continue;
    const rank = byPosition || scores === undefined ? id : -(scores[id] ?? 0);
    for (const [left, right] of cuts(token)) {
      if (ids.has(left) && ids.has(right)) merges.push({ left, right, rank });
    }
  }
  merges.sort((a, b) => a.rank - b.rank);
  return merges.map(({ left, right }) => [left, right]);
}

/** Every cut of a token between two characters. */
function* cuts(token: string): Generator<[string, string]> {
  let at = 0;
  for (const char of token) {
    if (at > 0) yield [token.slice(0, at), token.slice(at)];
    at += char.length;
  }
}
