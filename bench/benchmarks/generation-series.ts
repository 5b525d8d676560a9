/** Reports of a player's runs as the figures that are compared. */
import type { GenerationReport } from "../players/generation-job.ts";
import type { Series } from "../support/result.ts";

interface Sizes {
  prefill: number;
  decode: number;
}

/** This project, as every table names it. */
export const SUBJECT = "AbstractLLM";

const MIB = 2 ** 20;

/** The metrics by name, so that targets find them. */
export const METRIC = {
  load: "load",
  prefill: "prefill",
  firstToken: "time to first token",
  decode: "decode",
  memory: "memory",
  eventLoop: "event loop delay, 99th percentile",
} as const;

const isNumber = (value: number | null): value is number => value !== null;

/**
 * @param name - of the player, without its version
 * @param sizes - tokens this player was given
 * @param wanted - tokens the others were given; where it differs the figure says so
 */
export const generationSeries = (
  name: string,
  reports: readonly GenerationReport[],
  sizes: Sizes,
  wanted: Sizes,
): Series[] => {
  const player = `${name} ${reports[0]?.version ?? ""}`.trim();
  const series = (
    metric: string,
    unit: string,
    better: "higher" | "lower",
    values: (number | null)[],
    tokens?: { done: number; wanted: number },
  ): Series[] => {
    const known = values.filter(isNumber);
    if (known.length < values.length) return [];
    const isShort = tokens !== undefined && tokens.done !== tokens.wanted;
    return [
      { player, metric, unit, better, values: known, ...(isShort ? { scope: `${tokens.done} tokens` } : {}) },
    ];
  };
  const prefill = { done: sizes.prefill, wanted: wanted.prefill };
  const decode = { done: sizes.decode, wanted: wanted.decode };
  return [
    ...series(
      METRIC.load,
      "ms",
      "lower",
      reports.map((one) => one.loadMs),
    ),
    ...series(
      METRIC.prefill,
      "tokens/s",
      "higher",
      reports.map((one) => (sizes.prefill * 1000) / one.prefillMs),
      prefill,
    ),
    ...series(
      METRIC.firstToken,
      "ms",
      "lower",
      reports.map((one) => one.firstTokenMs),
    ),
    ...series(
      METRIC.decode,
      "tokens/s",
      "higher",
      reports.map((one) => (one.decode.tokens * 1000) / one.decode.ms),
      decode,
    ),
    ...series(
      METRIC.memory,
      "MiB",
      "lower",
      reports.map((one) => one.peakBytes / MIB),
    ),
    ...series(
      METRIC.eventLoop,
      "ms",
      "lower",
      reports.map((one) => one.eventLoopDelayMs),
    ),
  ];
};
