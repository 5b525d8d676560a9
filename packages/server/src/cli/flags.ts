import { parseArgs } from "node:util";
import { InvalidParameterError } from "abstractllm";

/** One `--flag`. */
interface Flag {
  /** What stands for the value in the help; a flag without one is on or off. */
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: true;
  readonly help: string;
}

/** What the program takes. */
const FLAGS = {
  model: {
    value: "[NAME=]MODEL",
    short: "m",
    multiple: true,
    help: "Model to serve, under its own or another name; repeatable",
  },
  "adapter-path": {
    value: "ADAPTER",
    help: "Folder or repository of an adapter that the models answer with",
  },
  adapter: {
    value: "NAME=ADAPTER",
    multiple: true,
    help: "Adapter that MODEL:NAME answers with, beside MODEL alone; repeatable",
  },
  "prompt-cache-path": {
    value: "DIR",
    help: "Folder that keeps prompts for the next start, which need not be read again",
  },
  provider: { value: "NAME", short: "p", help: "Provider of the models (default mlx)" },
  "base-url": { value: "URL", help: "Address of the provider's service" },
  host: { value: "HOST", help: "Address to listen at (default 127.0.0.1)" },
  port: { value: "PORT", help: "Port to listen at (default 8080)" },
  "api-key": {
    value: "KEY",
    help: "Key that clients must send; ABSTRACTLLM_SERVER_API_KEY keeps it out of sight",
  },
  cors: { value: "ORIGIN", multiple: true, help: "Origin whose pages may ask; repeatable" },
  "allowed-host": { value: "NAME", multiple: true, help: "Name of this host beside localhost; repeatable" },
  "ignore-field": { value: "NAME", multiple: true, help: "Field of requests to pass over; repeatable" },
  "max-calls": { value: "N", help: "Most requests of models at once (default 256)" },
  "max-stored-responses": { value: "N", help: "Most finished responses that stay in memory (default 1000)" },
  "allow-model-changes": {
    help: "Let clients download models and delete them, where all of the cache are served",
  },
  "allow-public": { help: "Serve without a key where others can reach the server" },
  config: { value: "FILE", short: "c", help: "JSON with the options of createServer, for what has no flag" },
  help: { short: "h", help: "Show this help" },
  version: { short: "v", help: "Show the version" },
} as const satisfies Record<string, Flag>;

/** Flags as they were given. */
export type Given = { readonly [Name in keyof typeof FLAGS]?: GivenValue<(typeof FLAGS)[Name]> };

type GivenValue<F extends Flag> = F extends { multiple: true }
  ? readonly string[]
  : F extends { value: string }
    ? string
    : boolean;

/** Reads the command line. @throws {InvalidParameterError} for a flag that is unknown or lacks its value */
export function readFlags(args: readonly string[]): Given {
  const all: [string, Flag][] = Object.entries(FLAGS);
  const options = all.map(([name, { value, short, multiple }]) => [
    name,
    {
      type: value === undefined ? "boolean" : "string",
      ...(short === undefined ? {} : { short }),
      ...(multiple === undefined ? {} : { multiple }),
    },
  ]);
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(options) }).values as Given;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.replace(/\s+/g, " ") : String(cause);
    throw new InvalidParameterError("args", undefined, message, { cause });
  }
}

/** The help of the program. */
export function helpText(): string {
  const all: [string, Flag][] = Object.entries(FLAGS);
  const rows = all.map(([name, { value, short, help }]): [string, string] => {
    const letter = short === undefined ? "    " : `-${short}, `;
    return [`${letter}--${name}${value === undefined ? "" : ` ${value}`}`, help];
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    "Serve models to clients of OpenAI, Anthropic and Ollama.",
    "",
    "Usage",
    "  abstractllm-server [flags]",
    "",
    "Without --model, all models that the provider lists are served; for mlx, those in the Hugging Face cache.",
    "Ctrl-C lets answers finish for ten seconds; the second one does not.",
    "",
    "Flags",
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    "",
    "Examples",
    "  abstractllm-server --model mlx-community/Qwen3-4B-4bit",
    "  abstractllm-server --model gpt-4o=mlx-community/Qwen3-4B-4bit --port 8000",
    "  abstractllm-server --model mlx-community/Qwen3-4B-4bit --adapter sql=./sql-adapter",
    "  abstractllm-server --provider anthropic --model claude-haiku-5-5",
    "",
  ].join("\n");
}
