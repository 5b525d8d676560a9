/** What every player of a generation benchmark is asked, and what it answers. */

export interface GenerationJob {
  device: "cpu" | "gpu";
  modelPath: string;
  threads: number;
  /** Run before anything is measured. */
  warmUp: { prompt: readonly number[]; tokens: number };
  /** Evaluated and timed to its end. */
  prefill: readonly number[];
  /** Timed to the first text; null leaves it out. */
  firstToken: readonly number[] | null;
  /** Continued greedily by exactly so many tokens, end-of-sequence tokens ignored. */
  decode: { prompt: readonly number[]; tokens: number };
}

export interface GenerationReport {
  version: string;
  /** From the model's path to a model that can answer; libraries are loaded before. */
  loadMs: number;
  prefillMs: number;
  firstTokenMs: number | null;
  /** From the first text to the end, and the tokens that came after the first text. */
  decode: { ms: number; tokens: number };
  /** Peak resident memory above that of the process before the model was loaded. */
  peakBytes: number;
  /** 99th percentile of the event loop's delay while measuring; null without an event loop. */
  eventLoopDelayMs: number | null;
  text: string;
  /** Bytes of weights that the engine holds; only from players that know. */
  weightBytes?: number;
}
