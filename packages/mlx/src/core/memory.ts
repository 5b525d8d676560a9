/** Memory figures and limits of the whole process, in bytes. */
import { InvalidArgumentError } from "../errors.ts";
import { native } from "./native.ts";

/** Bytes that live arrays use. */
export const getActiveMemory = (): number => native.getActiveMemory();

/** Most bytes in use at once since the start or the last reset. */
export const getPeakMemory = (): number => native.getPeakMemory();

/** Begins to measure the peak anew. */
export const resetPeakMemory = (): void => native.resetPeakMemory();

/** Bytes kept for reuse. */
export const getCacheMemory = (): number => native.getCacheMemory();

/** Gives the bytes kept for reuse back to the system. */
export const clearCache = (): void => native.clearCache();

const checkBytes = (bytes: number): number => {
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new InvalidArgumentError(`Expected a whole number of bytes but received ${bytes}`);
  }
  return bytes;
};

/** Allocations beyond this fail instead of swapping. Returns the previous limit. */
export const setMemoryLimit = (bytes: number): number => native.setMemoryLimit(checkBytes(bytes));

/** The limit that `setMemoryLimit` set, in bytes. */
export const getMemoryLimit = (): number => native.getMemoryLimit();

/** At most this much is kept for reuse; 0 keeps nothing. Default on a CPU 1 GiB. Returns the previous limit. */
export const setCacheLimit = (bytes: number): number => native.setCacheLimit(checkBytes(bytes));

/** Metal only: bytes kept resident. Returns the previous limit. */
export const setWiredLimit = (bytes: number): number => native.setWiredLimit(checkBytes(bytes));

/** Arrays of this thread not yet freed; for leak tests. */
export const liveArrays = (): number => native.liveArrays();
