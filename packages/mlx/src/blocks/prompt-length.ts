/** How long the prompt is of which a stretch is evaluated: position embeddings that go by length need all of it. */

let current = 0;
/** Lengths beyond which a prompt is read in another way, of all models of this thread. */
const bounds = new Set<number>();

/** Says that prompts longer than `longest` tokens are read in another way. */
export const addLengthBound = (longest: number): void => void bounds.add(longest);

/** Whether what prompts of these lengths begin with alike is read alike. */
export const areReadAlike = (a: number, b: number): boolean =>
  [...bounds].every((longest) => a > longest === b > longest);

/** The tokens of the prompt that is being read; 0 where none is. */
export const promptLength = (): number => current;

/**
 * What `read` makes of a stretch of a prompt.
 *
 * @param length - tokens of the whole prompt
 */
export const whileReading = <T>(length: number, read: () => T): T => {
  const outer = current;
  current = length;
  try {
    return read();
  } finally {
    current = outer;
  }
};
