/** Values of the largest grammar that is worth remembering; the same object may stand in it many times (CWE-400). */
const MAX_VALUES = 200_000;

/** What is written of a value that is data; undefined for what is too deep, too large or no data. */
export const boundedJson = (value: unknown): string | undefined => {
  let values = 0;
  const count = (_: string, inner: unknown): unknown => {
    if (++values > MAX_VALUES) throw new RangeError(`more than ${MAX_VALUES} values`);
    return inner;
  };
  try {
    return JSON.stringify(value, count);
  } catch {
    return undefined;
  }
};
