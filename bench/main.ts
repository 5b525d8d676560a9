/** Runs benchmarks and prints what they found. Start it with `npm run bench`, which sets up first. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { benchmarks } from "./benchmarks/index.ts";
import { type BenchArguments, parseArguments, USAGE } from "./support/arguments.ts";
import { type BenchContext, type Benchmark, createBenchContext } from "./support/context.ts";
import { describeMachine } from "./support/machine.ts";
import { processorUse, watchOthers } from "./support/processor-use.ts";
import { formatFiles, storeResult, writeResultsInto } from "./support/publish.ts";
import { renderResult } from "./support/render.ts";
import type { Result } from "./support/result.ts";

const OBSERVED_MS = 2000;
/** More than this in use by others makes figures worthless: a spinning barrier waits for whoever is descheduled. */
const MOST_USED = 0.15;

const choose = (names: readonly string[]): readonly Benchmark[] => {
  const unknown = names.find((name) => !benchmarks.some((one) => one.name === name));
  if (unknown !== undefined) {
    const known = benchmarks.map(({ name }) => name).join(", ");
    throw new Error(`There is no benchmark ${unknown}; there are ${known}`);
  }
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
};

/** @returns the share in use @throws {Error} when it is too much and nobody insists */
const checkIdle = async ({ tell, settings }: BenchContext): Promise<number> => {
  const used = await processorUse(OBSERVED_MS);
  if (used <= MOST_USED) return used;
  const state = `Other programs use ${Math.round(used * 100)} % of the processors`;
  if (!settings.force)
    throw new Error(`${state}; figures would mean nothing. Stop them, or insist with --force.`);
  tell(`${state}: the figures mean little.`);
  return used;
};

const measure = async (benchmark: Benchmark, context: BenchContext): Promise<Result> => {
  const machine = await describeMachine(context.root, await checkIdle(context));
  const othersShare = watchOthers();
  const findings = await benchmark.run(context);
  return {
    benchmark: benchmark.name,
    question: benchmark.question,
    date: new Date().toISOString(),
    settings: context.settings,
    machine,
    othersShare: othersShare(),
    ...findings,
  };
};

const runAll = async (options: BenchArguments): Promise<void> => {
  const { names: chosen, json, publish, help: _, ...settings } = options;
  const context = createBenchContext(settings);
  const published = join(context.root, "bench", "results");
  for (const benchmark of choose(chosen)) {
    const result = await measure(benchmark, context);
    const isWorthKeeping = publish && (result.othersShare ?? 0) <= MOST_USED;
    const path = storeResult(isWorthKeeping ? published : join(context.stateDir, "results"), result);
    console.log(json ? JSON.stringify(result) : `${renderResult(result)}\n`);
    context.tell(`${benchmark.name}: kept in ${path}`);
    if (publish && !isWorthKeeping)
      context.tell(`${benchmark.name}: not published, others were busy meanwhile`);
  }
  if (!publish) return;
  const names = benchmarks.map(({ name }) => name);
  const document = join(context.root, "docs", "performance.md");
  writeResultsInto(document, published, names);
  formatFiles(context.root, [document, ...(existsSync(published) ? [published] : [])]);
};

try {
  const options = parseArguments(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else await runAll(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
