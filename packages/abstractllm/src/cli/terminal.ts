import { processEnvironment } from "../config/read-environment.ts";

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** A way to set off text. */
export type Style = keyof typeof CODES;

/** Where the program reads and writes; colours and live lines only where a person looks. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly errors: NodeJS.WriteStream;
  /** Writes to stdout. */
  print(text: string): void;
  /** Writes a line to stderr. */
  note(text: string): void;
  /** Text for stdout in a style, plain where stdout is no terminal. */
  style(style: Style, text: string): string;
  /** The same for stderr. */
  styleNote(style: Style, text: string): string;
}

/** The streams of this process. */
export function processTerminal(): Terminal {
  const { stdin: input, stdout: output, stderr: errors } = process;
  for (const stream of [output, errors]) stream.on("error", stopAtClosedPipe);
  return {
    input,
    output,
    errors,
    print: (text) => void output.write(text),
    note: (text) => void errors.write(`${text}\n`),
    style: (style, text) => paint(style, text, hasColours(output)),
    styleNote: (style, text) => paint(style, text, hasColours(errors)),
  };
}

/** Text without control characters, for names that come from a model or a server. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
}

function hasColours(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = processEnvironment();
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== "0";
  return stream.isTTY === true && TERM !== "dumb";
}

function paint(style: Style, text: string, coloured: boolean): string {
  const [on, off] = CODES[style];
  return coloured ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

/** `abstractllm … | head` closes the pipe when it has enough; that is no error. */
function stopAtClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
}
