/** Random numbers: `mx.random`. The state is the thread's; equal seeds and call order give equal samples. */
import { native } from "./native.ts";

export * from "./generated/random.ts";

/** Restarts this thread's random state. */
export const seed = (value: number): void => native.seed(value);
