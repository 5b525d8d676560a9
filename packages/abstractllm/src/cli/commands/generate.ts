import { text as readAll } from "node:stream/consumers";
import type { AbstractLLM } from "../../interface/abstract-llm.ts";
import type { GenerateOptions } from "../../interface/generate-options.ts";
import type { GenerateResponse } from "../../interface/generate-response.ts";
import type { Command } from "../command.ts";
import { ExitCode } from "../exit-code.ts";
import { JSON_FLAG, MODEL_FLAGS, SAMPLING_FLAGS } from "../flags.ts";
import { interruptible } from "../interrupts.ts";
import { openLLM } from "../open-llm.ts";
import type { ParsedFlags } from "../parse-flags.ts";
import { printStats, printWarnings } from "../print-stats.ts";
import { StatusLine } from "../status-line.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

/** Answers one prompt. */
export const generateCommand: Command = {
  name: "generate",
  arguments: "[PROMPT]",
  summary: "Answer one prompt",
  notes: ["The prompt is read from standard input when there is none, and where it is `-`."],
  flags: [
    ...MODEL_FLAGS,
    ...SAMPLING_FLAGS,
    {
      name: "file",
      short: "f",
      value: "PATH",
      multiple: true,
      option: "files",
      help: "Append a text file to the prompt; repeatable",
    },
    {
      name: "schema",
      value: "JSON",
      option: "schema",
      help: 'Hold the answer to a JSON Schema and print its value, such as {"type":"integer"}',
    },
    { name: "stream", negative: true, help: "Print the answer when it is complete" },
    { name: "stats", help: "Print tokens and speed to stderr, as on a terminal" },
    { ...JSON_FLAG, help: "Print the complete answer as one JSON object" },
  ],
  examples: [
    'abstractllm generate --model mlx-community/SmolLM2-135M-Instruct "Why is the sky blue?"',
    "git diff | abstractllm generate Write a commit message for this change: -",
    "abstractllm generate --schema \"$(cat schema.json)\" --file letter.txt 'Who wrote this, and when?'",
    'abstractllm generate --json --temperature 0 --max-tokens 50 "Name three rivers"',
  ],
  run: (flags, terminal) => interruptible((signal) => generate(flags, terminal, signal)),
};

async function generate(flags: ParsedFlags, terminal: Terminal, signal: AbortSignal): Promise<number> {
  const prompt = await readPrompt(flags.positionals, terminal);
  const status = new StatusLine(terminal);
  const llm = await openLLM(flags, status);
  try {
    status.show("Loading the model…");
    const { files } = flags.options as GenerateOptions;
    const options = { signal, ...(files === undefined ? {} : { files }) };
    const isWhole = flags.has("json") || flags.off.has("stream") || flags.options.schema !== undefined;
    const printed = isWhole ? printWhole : printStream;
    const response = await printed(llm, prompt, options, { flags, terminal, status });
    printWarnings(response.warnings, terminal);
    if (flags.has("stats") || terminal.output.isTTY) printStats(response, terminal);
  } finally {
    status.clear();
    await llm.unload();
  }
  return ExitCode.OK;
}

interface Output {
  flags: ParsedFlags;
  terminal: Terminal;
  status: StatusLine;
}

async function printStream(
  llm: AbstractLLM,
  prompt: string,
  options: GenerateOptions,
  { terminal, status }: Output,
): Promise<GenerateResponse> {
  const stream = llm.stream(prompt, options);
  let last = "";
  for await (const part of stream) {
    status.clear();
    if (part.type !== "text-delta") continue;
    terminal.print(part.text);
    last = part.text;
  }
  if (last !== "" && !last.endsWith("\n")) terminal.print("\n");
  return stream.response;
}

async function printWhole(
  llm: AbstractLLM,
  prompt: string,
  options: GenerateOptions,
  { flags, terminal, status }: Output,
): Promise<GenerateResponse> {
  const response = await llm.generate(prompt, { ...options, stream: false });
  status.clear();
  const { raw: _, ...shown } = response;
  if (flags.has("json")) terminal.print(`${JSON.stringify(shown)}\n`);
  else if (response.object !== undefined) terminal.print(`${JSON.stringify(response.object)}\n`);
  else terminal.print(response.text.endsWith("\n") ? response.text : `${response.text}\n`);
  return response;
}

async function readPrompt(positionals: readonly string[], terminal: Terminal): Promise<string> {
  const words = positionals.length === 0 ? ["-"] : positionals;
  const place = words.indexOf("-");
  if (place < 0) return words.join(" ");
  if (terminal.input.isTTY) {
    throw new UsageError('There is no prompt. Give one: abstractllm generate "Why is the sky blue?"');
  }
  const input = (await readAll(terminal.input)).trimEnd();
  if (input === "") throw new UsageError("The prompt from standard input is empty");
  const parts = [words.slice(0, place).join(" "), input, words.slice(place + 1).join(" ")];
  return parts.filter((part) => part !== "").join("\n\n");
}
