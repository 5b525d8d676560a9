/** What looking up the prompt gains where an answer repeats it, and costs where it does not. */
import type { SpeculativeJob, SpeculativeReport, SpeculativeTimes } from "../players/speculative.ts";
import type { WideStepsJob, WideStepsReport } from "../players/wide-steps.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import type { Findings, Series } from "../support/result.ts";
import { nodeProgram, runPlayer } from "../support/run-player.ts";
import { median } from "../support/statistics.ts";

const [LOOKUP, PLAIN] = ["prompt lookup", "without"];

const PASSAGE =
  "The engine is a thread, or a child process, that owns models and runs them. The callers event loop stays free while " +
  "a model runs. Requests that come together run together, and others wait in the order they came. Aborting a request " +
  "takes effect within one step and never disturbs the other requests. Memory of a disposed model is given back at " +
  "once, and an idle engine does not keep the process alive. What a request has evaluated, prompt and answer, is kept " +
  "when it ends. A request whose prompt begins like an earlier one goes on from there, so that the next turn of a " +
  "conversation reads only its new message, and a system prompt is read only once.";

const CODE =
  "def mean(values):\n    total = 0\n    for value in values:\n        total += value\n    return total / len(values)\n\n" +
  "def median(values):\n    ordered = sorted(values)\n    middle = len(ordered) // 2\n    return ordered[middle]\n";

/** Two whose answers repeat the prompt, two whose do not. */
const TASKS = {
  "correct a text": `Correct the spelling of this text. Change nothing else.\n\n${PASSAGE}`,
  "change code": `Add type annotations to these functions and give them back whole:\n\n${CODE}`,
  "write a story": "Write a story about a lighthouse keeper who finds a letter in a bottle.",
  "explain something": "Explain how photosynthesis works, step by step.",
};

/** What a step with several new positions takes, as a multiple of one with one: guesses are checked in such steps. */
const POSITIONS = [1, 2, 3, 4, 5, 8];

const wideSteps = async ({ modelPath, settings }: BenchContext): Promise<string> => {
  const { threads, quick } = settings;
  const job: WideStepsJob = { modelPath, threads, context: 256, positions: POSITIONS, steps: quick ? 3 : 40 };
  const program = nodeProgram(import.meta.resolve("../players/wide-steps.ts"));
  const times = (await runPlayer<WideStepsReport>(program, job, threads)).map(median);
  const one = times[0] ?? Number.NaN;
  return POSITIONS.map((count, i) => `${count}: ${((times[i] ?? Number.NaN) / one).toFixed(2)}`).join("; ");
};

const sizes = (quick: boolean) => (quick ? { tokens: 16, repeats: 1 } : { tokens: 128, repeats: 3 });

const run = async (context: BenchContext): Promise<Findings> => {
  const { rounds, quick, threads } = context.settings;
  const job: SpeculativeJob = { modelPath: context.modelPath, ...sizes(quick), threads, tasks: TASKS };
  const program = nodeProgram(import.meta.resolve("../players/speculative.ts"));
  const reports: SpeculativeReport[] = [];
  for (let round = 0; round < rounds; round++) {
    context.tell(`speculative: round ${round + 1} of ${rounds}`);
    reports.push(await runPlayer<SpeculativeReport>(program, job, threads));
  }
  const steps = await wideSteps(context);
  const names = Object.keys(TASKS);
  const of = (name: string): SpeculativeTimes[] => reports.flatMap((report) => report[name] ?? []);
  const series = (player: string, name: string, pick: (times: SpeculativeTimes) => number[]): Series => ({
    player,
    metric: `${name}, per token`,
    unit: "ms",
    better: "lower",
    values: of(name).map((times) => median(pick(times))),
  });
  const guesses = names.map((name) => {
    const [times] = of(name);
    return `${name}: ${times?.acceptedTokens ?? 0} of ${times?.draftedTokens ?? 0}`;
  });
  return {
    subject: LOOKUP,
    series: names.flatMap((name) => [
      series(LOOKUP, name, ({ lookupMs }) => lookupMs),
      series(PLAIN, name, ({ plainMs }) => plainMs),
    ]),
    targets: [],
    missing: [],
    notes: [
      `SmolLM2-135M, one request, ${job.tokens} tokens, greedy. Each round is a fresh process and the median of ${job.repeats} pairs of answers.`,
      `Guesses that were right: ${guesses.join("; ")}.`,
      `Time of a step by the positions in it, behind 256 tokens, as a multiple of one: ${steps}.`,
    ],
    details: {},
  };
};

export const speculative: Benchmark = {
  name: "speculative",
  question: "What does prompt lookup gain where an answer repeats its prompt, and cost where it does not?",
  run,
};
