/** The middle value; the mean of the two middle ones for an even count. NaN for none. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/**
 * How many times better the subject is than its peer: the median over rounds of their ratio in the same round, so
 * that what slows a whole round cancels out. NaN when a round is missing on either side.
 */
export const medianRatio = (
  subject: readonly number[],
  peer: readonly number[],
  better: "higher" | "lower",
): number => {
  if (subject.length !== peer.length) return Number.NaN;
  return median(
    subject.map((value, round) => {
      const other = peer[round] ?? Number.NaN;
      return better === "higher" ? value / other : other / value;
    }),
  );
};
