/** What the project promises of SmolLM2 on a CPU. */
import type { Series, Target } from "../support/result.ts";
import { median, medianRatio } from "../support/statistics.ts";
import { METRIC, SUBJECT } from "./generation-series.ts";

const find = (series: readonly Series[], player: string, metric: string): Series | undefined =>
  series.find((one) => one.player.startsWith(player) && one.metric === metric);

/** Claims against peers that took part; the others are left out. */
export const smollm2Targets = (series: readonly Series[]): Target[] => {
  const against = (peer: string, metric: string, claim: string, limit: number): Target[] => {
    const own = find(series, SUBJECT, metric);
    const other = find(series, peer, metric);
    if (own?.better === undefined || other === undefined) return [];
    return [{ claim, reached: medianRatio(own.values, other.values, own.better), limit, better: "higher" }];
  };
  const delay = find(series, SUBJECT, METRIC.eventLoop);
  return [
    ...against("node-llama-cpp", METRIC.decode, "decode, times node-llama-cpp", 3),
    ...against("node-llama-cpp", METRIC.prefill, "prefill, times node-llama-cpp", 5),
    ...against(
      "node-llama-cpp",
      METRIC.firstToken,
      "time to first token, times faster than node-llama-cpp",
      4,
    ),
    ...against("mlx-lm float16", METRIC.decode, "decode, times mlx-lm float16", 500),
    ...(delay === undefined
      ? []
      : [
          {
            claim: "event loop delay, 99th percentile, ms",
            reached: median(delay.values),
            limit: 10,
            better: "lower" as const,
          },
        ]),
  ];
};
