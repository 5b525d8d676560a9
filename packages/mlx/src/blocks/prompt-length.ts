/** How long the prompt is of which a stretch is evaluated: position embeddings that go by length need all of it. */

let current = 0;

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
