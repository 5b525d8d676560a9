/** What a value grows per step, by least squares: noise averages out, a leak does not. */
export const slope = (values: readonly number[]): number => {
  const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
  const x = (values.length - 1) / 2;
  const y = mean(values);
  const above = values.reduce((sum, value, i) => sum + (i - x) * (value - y), 0);
  return above / values.reduce((sum, _, i) => sum + (i - x) ** 2, 0);
};
