const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);

/** How many of a query's words a document has, from 0 to 1. */
export function fakeScore(query: string, document: string): number {
  const [asked, found] = [wordsOf(query), wordsOf(document)];
  return asked.size === 0 ? 0 : [...asked].filter((word) => found.has(word)).length / asked.size;
}
