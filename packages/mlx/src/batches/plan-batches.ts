/** Texts of one forward pass: their places in the request. */
export type Batch = readonly number[];

/**
 * Puts texts of about the same length together, the longest first, so that little is padded: a batch has as many as fit
 * the limit with the padding to its longest, and one at least.
 *
 * @param lengths - tokens of each text
 * @param maxTokens - positions of a batch, padding included
 */
export const planBatches = (lengths: readonly number[], maxTokens: number): Batch[] => {
  const order = [...lengths.keys()].sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0));
  const batches: Batch[] = [];
  let start = 0;
  while (start < order.length) {
    const longest = lengths[order[start] ?? 0] ?? 1;
    const count = Math.max(1, Math.floor(maxTokens / longest));
    batches.push(order.slice(start, start + count));
    start += count;
  }
  return batches;
};
