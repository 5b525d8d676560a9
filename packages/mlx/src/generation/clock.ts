/** Milliseconds since some fixed moment; the only clock of this folder. */
export const now = (): number => performance.now();
