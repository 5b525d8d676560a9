/** Numbers per vector where none are asked for. */
const DIMENSIONS = 64;

/**
 * A vector of length 1 that depends on the words of a text alone: each word adds to one place, so that texts with words in
 * common are near each other, and equal texts are equal.
 */
export function fakeEmbedding(text: string, dimensions = DIMENSIONS): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const place = hash(word) % dimensions;
    vector[place] = (vector[place] ?? 0) + 1;
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector.with(0, 1) : vector.map((value) => value / length);
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < word.length; index++) {
    value = Math.imul(value ^ word.charCodeAt(index), 0x01000193) >>> 0;
  }
  return value;
}
