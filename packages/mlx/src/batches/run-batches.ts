import type { Device } from "../core/index.ts";
import { MlxError } from "../errors.ts";
import { type Batch, planBatches } from "./plan-batches.ts";

/** Positions of a forward pass: more give no more per second, and others wait until it is through. */
const BATCH_TOKENS = { cpu: 512, gpu: 16384 } as const;

/** Lets others work: aborts, generations, other requests. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const throwIfAborted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted === true) throw new MlxError("aborted", "The request was aborted");
};

/**
 * Runs a job on texts of about the same length at a time; in between others may use the thread.
 *
 * @param lengths - tokens of each text
 * @throws {MlxError} `aborted` before the next batch once the signal fires
 */
export const runBatches = async (
  lengths: readonly number[],
  run: (batch: Batch) => void,
  { device, signal }: { device: Device; signal: AbortSignal | undefined },
): Promise<void> => {
  for (const batch of planBatches(lengths, BATCH_TOKENS[device])) {
    throwIfAborted(signal);
    run(batch);
    await breathe();
  }
};
