import { createInterface, type Interface } from "node:readline";
import type { Terminal } from "../terminal.ts";
import { slashCommandNames } from "./slash-commands.ts";

/** Reads lines with editing, history and completion on a terminal, and plainly from a pipe. */
export class LineReader {
  readonly #lines: Interface;
  readonly #queue: string[] = [];
  readonly #isTerminal: boolean;
  #wake: (() => void) | undefined;
  #closed = false;
  #history: string[];

  /**
   * @param history - earlier lines, newest first
   * @param onInterrupt - called for Ctrl-C
   */
  constructor({ input, output }: Terminal, history: readonly string[], onInterrupt: () => void) {
    this.#history = [...history];
    this.#isTerminal = input.isTTY === true && output.isTTY === true;
    this.#lines = createInterface({
      input,
      ...(this.#isTerminal ? { output } : {}),
      terminal: this.#isTerminal,
      history: [...history],
      historySize: 1000,
      removeHistoryDuplicates: true,
      completer: complete,
    });
    this.#lines.on("history", (lines: string[]) => {
      this.#history = [...lines];
    });
    this.#lines.on("SIGINT", onInterrupt);
    this.#lines.on("line", (line) => this.#receive(line));
    this.#lines.on("close", () => {
      this.#closed = true;
      this.#wake?.();
    });
  }

  /** Lines of this and earlier chats, newest first. */
  get history(): readonly string[] {
    return this.#history;
  }

  /** What is typed but not entered. */
  get typed(): string {
    return this.#lines.line;
  }

  /** The next line, shown after `prompt` on a terminal; undefined when there are no more. */
  async next(prompt: string): Promise<string | undefined> {
    if (this.#isTerminal && !this.#closed && this.#queue.length === 0) {
      this.#lines.setPrompt(prompt);
      this.#lines.prompt();
    }
    while (this.#queue.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#queue.shift();
  }

  /** Empties the line that is being typed and asks again. */
  clearTyped(): void {
    this.#lines.write(null, { ctrl: true, name: "e" });
    this.#lines.write(null, { ctrl: true, name: "u" });
    this.#lines.prompt();
  }

  close(): void {
    this.#lines.close();
  }

  #receive(line: string): void {
    this.#queue.push(line);
    this.#wake?.();
  }
}

function complete(line: string): [string[], string] {
  const names = slashCommandNames().map((name) => `/${name}`);
  return [line.startsWith("/") ? names.filter((name) => name.startsWith(line)) : [], line];
}
