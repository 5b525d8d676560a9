import { getActiveMemory, synchronize } from "../src/core/index.ts";

/**
 * Bytes that arrays use once work in flight is done. libmlx wakes who waits for a result before it lets go
 * of the temporary arrays of its computation.
 */
export const activeMemory = (): number => {
  synchronize();
  return getActiveMemory();
};
