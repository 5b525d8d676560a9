/** How near small models of other families come to the rate of memory. */
import { FAMILIES } from "../players/shapes.ts";
import type { Benchmark } from "../support/context.ts";
import { createBandwidthMeter } from "../support/read-bandwidth.ts";
import type { Series } from "../support/result.ts";
import { measureReadingRate } from "./decode-rounds.ts";

export const families: Benchmark = {
  name: "families",
  question: "Which part of the rate of memory does decoding reach with models of other families?",
  run: async (context) => {
    const { quick } = context.settings;
    const read = await createBandwidthMeter(context);
    const series: Series[] = [];
    for (const [family, config] of Object.entries(FAMILIES).slice(0, quick ? 1 : undefined)) {
      // the first position: recurrent layers cannot begin in the middle
      const found = await measureReadingRate(
        context,
        family,
        { config, steps: quick ? 3 : 40, position: 1 },
        read,
      );
      series.push(...found.series);
    }
    return {
      series,
      targets: [],
      missing: [],
      notes: [
        "Steps as in `decode`, from the first position on. Shapes have random weights of 4 bits in groups of 64; those of experts count as far as a token asks them.",
      ],
      details: {},
    };
  },
};
