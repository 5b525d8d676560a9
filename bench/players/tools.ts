/** Times answers that may call tools and do not, beside the same answers without tools, through the engine as users start it. */
import { type GenerateRequest, type GenerationPart, type HeldPart, startEngine } from "@abstractllm/mlx";
import { readJob, writeReport } from "../support/run-player.ts";
import { TOOLS } from "../support/tools.ts";

export interface ToolsJob {
  modelPath: string;
  tokens: number;
  repeats: number;
  threads: number;
}

/** Times in ms, of each repeat. */
export interface ToolsTimes {
  freeMs: number[];
  heldMs: number[];
}

export interface ToolsReport {
  /** To the first token of a prompt that has been read, and of the first answer with tools. */
  start: ToolsTimes & { firstHeldMs: number };
  /** Per token after the first of one answer, of one that repeats its prompt, with guesses, and of four at a time. */
  alone: ToolsTimes;
  guessed: ToolsTimes;
  together: ToolsTimes;
}

const { modelPath, tokens, repeats, threads } = readJob<ToolsJob>();
const engine = await startEngine({ device: "cpu", threads });
const model = await engine.load({ path: modelPath });

/** Calls as Hermes writes them. */
const CALLS: HeldPart = {
  start: "<tool_call>",
  grammar: [
    { anyOf: ["", "\n"] },
    {
      anyOf: TOOLS.map(({ name, parameters }) => [
        { regex: `\\{"name": ?"${name}", ?"arguments": ?` },
        { jsonSchema: parameters },
        "}",
      ]),
    },
    { anyOf: ["", "\n"] },
    "</tool_call>",
  ],
};

const STORIES = [
  "Write a long story about a lighthouse keeper who finds a letter in a bottle.",
  "Write a long story about a dog that learns to read.",
  "Explain how photosynthesis works, step by step, in great detail.",
  "Explain how a steam engine works, step by step, in great detail.",
];
const [STORY = ""] = STORIES;
const PASSAGE = STORIES.join(" ").repeat(2);

interface Answer {
  readonly text: string;
  readonly startMs: number;
  readonly tokenMs: number;
}

const answer = async (content: string, request: Partial<GenerateRequest>): Promise<Answer> => {
  const prompt = [{ role: "user" as const, content }];
  let text = "";
  let finish: Extract<GenerationPart, { type: "finish" }> | undefined;
  for await (const part of model.generate({ prompt, maxTokens: tokens, ...request })) {
    if (part.type === "text-delta") text += part.text;
    if (part.type === "finish") finish = part;
  }
  const { timings, usage } = finish ?? {};
  if (usage?.outputTokens !== tokens || timings === undefined)
    throw new Error(`The answer ended after ${usage?.outputTokens} tokens`);
  return { text, startMs: timings.timeToFirstTokenMs, tokenMs: 1000 / timings.decodeTokensPerSecond };
};

/** The slowest of answers that are made together, each of which is the same with tools as without. */
const answers = (contents: readonly string[], request: Partial<GenerateRequest>): Promise<Answer[]> =>
  Promise.all(contents.map((content) => answer(content, request)));

const times = async (
  contents: readonly string[],
  request: Partial<GenerateRequest>,
  pick: (answer: Answer) => number,
): Promise<ToolsTimes> => {
  const found: ToolsTimes = { freeMs: [], heldMs: [] };
  await answers(contents, request);
  for (let i = 0; i < repeats; i++) {
    const free = await answers(contents, request);
    const held = await answers(contents, { ...request, constraint: { parts: [CALLS] } });
    if (free.some(({ text }, row) => text !== held[row]?.text)) throw new Error("Tools changed an answer");
    found.freeMs.push(Math.max(...free.map(pick)));
    found.heldMs.push(Math.max(...held.map(pick)));
  }
  return found;
};

const startOf = ({ startMs }: Answer): number => startMs;
const tokenOf = ({ tokenMs }: Answer): number => tokenMs;

await answer(STORY, {});
await answer(STORY, { constraint: { parts: [{ start: "<tool_call>", grammar: "" }] } }); // makes the vocabulary
const first = await answer(STORY, { constraint: { parts: [CALLS] } });
const report: ToolsReport = {
  start: { ...(await times([STORY], {}, startOf)), firstHeldMs: first.startMs },
  alone: await times([STORY], {}, tokenOf),
  guessed: await times([`Say this again and again: ${PASSAGE}`], { promptLookup: true }, tokenOf),
  together: await times(STORIES, {}, tokenOf),
};
await engine.dispose();
writeReport(report);
