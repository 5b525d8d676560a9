/** What the default mode costs in quality: its predictions against those of `exact`, on real text. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startEngine } from "@abstractllm/mlx";
import type { LogitsMode, LogitsReply, LogitsRequest } from "../players/logits.ts";
import type { BenchContext, Benchmark } from "../support/context.ts";
import { readCorpus } from "../support/corpus.ts";
import { type Divergence, divergence } from "../support/divergence.ts";
import type { Findings, Series, Target } from "../support/result.ts";

interface Sizes {
  /** Tokens evaluated at once, with a fresh cache. */
  window: number;
  windowsPerDocument: number;
  /** Tokens evaluated one at a time, after as many at once. */
  stepped: number;
  /** Tokens of prompts that the engine reads, and of the text behind each. */
  prompts: readonly number[];
  followed: number;
  /** Tokens between two prompts. */
  apart: number;
}

const PROMPTS = [128, 300, 512, 1000];
const FULL: Sizes = {
  window: 256,
  windowsPerDocument: 4,
  stepped: 128,
  prompts: [...PROMPTS, ...PROMPTS],
  followed: 32,
  apart: 700,
};
const QUICK: Sizes = { window: 16, windowsPerDocument: 1, stepped: 4, prompts: [200], followed: 2, apart: 0 };

const tokenizeCorpus = async (context: BenchContext): Promise<number[][]> => {
  const engine = await startEngine({ device: "cpu" });
  try {
    const model = await engine.load({ path: context.modelPath });
    return await Promise.all(readCorpus(context.root).map(({ text }) => model.tokenize(text)));
  } finally {
    await engine.dispose();
  }
};

/** The prompts that a document has room for, each with what follows it. */
const promptsOf = (tokens: readonly number[], { prompts, followed, apart }: Sizes): LogitsRequest[] => {
  const found: LogitsRequest[] = [];
  let start = 0;
  for (const length of prompts) {
    const end = start + length + followed;
    if (end <= tokens.length)
      found.push({ tokens: tokens.slice(start, end), stepped: followed + 1, isPrompt: true });
    start = end + apart;
  }
  return found;
};

/** What is asked of both modes: whole windows, steps as in decoding, and prompts as the engine reads them. */
const requests = (documents: readonly number[][], sizes: Sizes): LogitsRequest[] =>
  documents.flatMap((tokens) => [
    ...Array.from({ length: sizes.windowsPerDocument }, (_, i) => ({
      tokens: tokens.slice(i * sizes.window, (i + 1) * sizes.window),
      stepped: 0,
    })),
    { tokens: tokens.slice(0, 2 * sizes.stepped), stepped: sizes.stepped },
    ...promptsOf(tokens, sizes),
  ]);

interface Mode {
  ask(request: LogitsRequest): Promise<LogitsReply>;
  close(): void;
}

const openMode = (modelPath: string, exact: boolean): Mode => {
  const mode: LogitsMode = { modelPath, exact };
  const child = fork(fileURLToPath(import.meta.resolve("../players/logits.ts")), [JSON.stringify(mode)], {
    execArgv: ["--import", "tsx"],
    serialization: "advanced", // typed arrays as they are
  });
  const gone = once(child, "exit").then(() =>
    Promise.reject(new Error("The process that gives logits ended")),
  );
  gone.catch(() => {}); // it also ends when everything is done
  const ask = async (request: LogitsRequest): Promise<LogitsReply> => {
    const answered = new Promise<LogitsReply>((resolve) =>
      child.once("message", (reply: LogitsReply) => resolve(reply)),
    );
    child.send(request);
    return Promise.race([answered, gone]);
  };
  return { ask, close: () => void child.kill() };
};

type Way = "atOnce" | "oneByOne" | "answer";

const WAYS: Readonly<Record<Way, string>> = {
  atOnce: "prompt at once",
  oneByOne: "token by token",
  answer: "behind a prompt",
};

const wayOf = ({ stepped, isPrompt }: LogitsRequest): Way =>
  isPrompt === true ? "answer" : stepped === 0 ? "atOnce" : "oneByOne";

const compare = async (context: BenchContext, all: readonly LogitsRequest[]) => {
  const exact = openMode(context.modelPath, true);
  const standard = openMode(context.modelPath, false);
  const results: Record<Way, Divergence[]> = { atOnce: [], oneByOne: [], answer: [] };
  try {
    for (const [i, request] of all.entries()) {
      context.tell(`kl: text ${i + 1} of ${all.length}`);
      // one after the other: the kernels share their threads
      const reference = await exact.ask(request);
      const other = await standard.ask(request);
      const found = reference.rows.map((row, n) => divergence(row, other.rows[n] ?? new Float32Array()));
      results[wayOf(request)].push(...found);
    }
  } finally {
    exact.close();
    standard.close();
  }
  return results;
};

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

const summarize = (player: string, found: readonly Divergence[]): Series[] => {
  const kls = found.map(({ kl }) => kl).sort((a, b) => a - b);
  const agreement = mean(found.map(({ agrees }) => (agrees ? 1 : 0)));
  return [
    { player, metric: "tokens", unit: "", values: [found.length] },
    { player, metric: "mean KL divergence from exact", unit: "nats", values: [mean(kls)] },
    {
      player,
      metric: "99th percentile",
      unit: "nats",
      values: [kls[Math.floor(kls.length * 0.99)] ?? Number.NaN],
    },
    { player, metric: "same most likely token", unit: "%", values: [agreement * 100] },
  ];
};

/** Each way on its own: one that is exact must not hide the other. */
const targets = (way: string, found: readonly Divergence[]): Target[] => {
  const agreement = mean(found.map(({ agrees }) => (agrees ? 1 : 0)));
  return [
    {
      claim: `${way}: mean KL divergence, nats`,
      reached: mean(found.map(({ kl }) => kl)),
      limit: 1e-3,
      better: "lower",
    },
    { claim: `${way}: same most likely token, %`, reached: agreement * 100, limit: 99, better: "higher" },
  ];
};

const run = async (context: BenchContext): Promise<Findings> => {
  const documents = await tokenizeCorpus(context);
  const sizes = context.settings.quick ? QUICK : FULL;
  const results = await compare(context, requests(documents, sizes));
  const ways = (Object.keys(WAYS) as Way[]).map((way) => ({ name: WAYS[way], found: results[way] }));
  const isOneMode = ways.every(({ found }) => found.every(({ isIdentical }) => isIdentical));
  return {
    series: ways.flatMap(({ name, found }) => summarize(name, found)),
    targets: isOneMode ? [] : ways.flatMap(({ name, found }) => targets(name, found)),
    missing: [],
    notes: [
      `Text: ${readCorpus(context.root)
        .map(({ name }) => name)
        .join(", ")}.`,
      `Behind a prompt: prompts of ${[...new Set(sizes.prompts)].join(", ")} tokens are read as the engine reads them; what is predicted after each, and after each of the tokens that follow in the text.`,
      ...(isOneMode
        ? ["All logits are bit for bit those of exact: this build has no faster mode to compare."]
        : []),
    ],
    details: {},
  };
};

export const kl: Benchmark = {
  name: "kl",
  question: "How far are the default mode's predictions from those of `exact`, on real text?",
  run,
};
