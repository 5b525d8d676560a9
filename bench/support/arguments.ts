/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import type { Settings } from "./result.ts";

export interface BenchArguments extends Settings {
  /** Benchmarks to run; empty means all. */
  names: string[];
  /** Print JSON instead of Markdown. */
  json: boolean;
  /** Keep the results in bench/results and write them into the documentation. */
  publish: boolean;
  help: boolean;
}

export const USAGE = `npm run bench -- [name ...] [options]

  --threads N   threads of every player (default 2)
  --rounds N    measurements of every player (default 5, quick 1)
  --python P    a Python that has mlx-lm on this machine's GPU, for gpu
  --shape S     only models whose names contain S, such as 8B, for gpu
  --without P   leave out peers whose name starts with P, such as mlx-lm; may be repeated
  --quick       small sizes, to see that everything works; the figures mean nothing
  --force       measure although the machine is busy; the results cannot be published
  --json        print JSON instead of Markdown
  --publish     keep the results in bench/results and in docs/performance.md`;

const wholeNumber = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`Expected a whole number of at least 1 for --${name} but received ${text}`);
};

/** Rounds below this give no median worth publishing. */
const FEWEST_ROUNDS = 5;

/** @throws {Error} on an unknown option or a bad value */
export const parseArguments = (args: readonly string[]): BenchArguments => {
  const flag = { type: "boolean", default: false } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      threads: { type: "string", default: "2" },
      rounds: { type: "string" },
      python: { type: "string" },
      shape: { type: "string" },
      without: { type: "string", multiple: true, default: [] },
      quick: flag,
      force: flag,
      json: flag,
      publish: flag,
      help: flag,
    },
  });
  const rounds = wholeNumber("rounds", values.rounds ?? (values.quick ? "1" : "5"));
  if (values.publish && (values.quick || values.force || rounds < FEWEST_ROUNDS)) {
    throw new Error(`--publish needs a full run of at least ${FEWEST_ROUNDS} rounds on an idle machine`);
  }
  const { python, shape, without, quick, force, json, publish, help } = values;
  return {
    names: positionals,
    threads: wholeNumber("threads", values.threads),
    rounds,
    ...(python === undefined ? {} : { python }),
    ...(shape === undefined ? {} : { shape }),
    without,
    quick,
    force,
    json,
    publish,
    help,
  };
};
