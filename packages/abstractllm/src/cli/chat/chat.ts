import { MessageRole } from "../../interface/message.ts";
import { ExitCode } from "../exit-code.ts";
import { printStats, printWarnings } from "../print-stats.ts";
import type { StatusLine } from "../status-line.ts";
import { plain, type Terminal } from "../terminal.ts";
import { type ChatState, withPast } from "./chat-state.ts";
import { historyPath, readHistory, writeHistory } from "./history-file.ts";
import { LineReader } from "./line-reader.ts";
import { runSlashCommand } from "./slash-commands.ts";

/** A chat on the terminal: lines in, answers out, until Ctrl-D, `/exit` or a second Ctrl-C. */
export class Chat {
  readonly #state: ChatState;
  readonly #terminal: Terminal;
  readonly #status: StatusLine;
  /** Of the answer that is being written. */
  #answer: AbortController | undefined;
  #lines: LineReader | undefined;
  /** Ctrl-C was pressed at an empty prompt. */
  #leaving = false;
  #interrupted = false;
  #failed = false;

  constructor(state: ChatState, terminal: Terminal, status: StatusLine) {
    this.#state = state;
    this.#terminal = terminal;
    this.#status = status;
  }

  /** @returns the exit status */
  async run(): Promise<number> {
    const isTerminal = this.#terminal.input.isTTY === true;
    const path = historyPath();
    const interrupt = () => this.#interrupt();
    process.on("SIGINT", interrupt);
    this.#lines = new LineReader(this.#terminal, isTerminal ? await readHistory(path) : [], interrupt);
    try {
      await this.#loop(this.#lines);
    } finally {
      process.off("SIGINT", interrupt);
      this.#lines.close();
      if (isTerminal) await writeHistory(path, this.#lines.history).catch(() => {}); // a chat is worth more
    }
    if (this.#interrupted) return ExitCode.INTERRUPTED;
    return this.#failed && !isTerminal ? ExitCode.ERROR : ExitCode.OK; // a script has nobody who saw the error
  }

  async #loop(lines: LineReader): Promise<void> {
    for (;;) {
      const line = await this.#readMessage(lines);
      if (line === undefined) return;
      this.#leaving = false;
      if (line.trim() === "") continue;
      try {
        if (!line.startsWith("/")) await this.#ask(line);
        else if ((await runSlashCommand(line, this.#state, this.#terminal)) === "exit") return;
      } catch (error) {
        this.#failed = true;
        this.#terminal.note(
          `${this.#terminal.styleNote("red", "error:")} ${plain((error as Error).message)}`,
        );
      }
    }
  }

  /** One message; a line that ends with a backslash goes on in the next. */
  async #readMessage(lines: LineReader): Promise<string | undefined> {
    let message = "";
    for (;;) {
      const line = await lines.next(this.#terminal.style("green", message === "" ? "> " : "… "));
      if (line === undefined) return message === "" ? undefined : message;
      if (!line.endsWith("\\")) return message + line;
      message += `${line.slice(0, -1)}\n`;
    }
  }

  async #ask(content: string): Promise<void> {
    const { session } = this.#state;
    const past = session.messages;
    const controller = new AbortController();
    this.#answer = controller;
    let text = "";
    try {
      this.#status.show("…");
      const stream = session.stream(content, { signal: controller.signal });
      for await (const part of stream) {
        this.#status.clear();
        if (part.type !== "text-delta") continue;
        this.#terminal.print(part.text);
        text += part.text;
      }
      this.#terminal.print("\n");
      const response = await stream.response;
      this.#state.last = response;
      printWarnings(response.warnings, this.#terminal);
      if (this.#terminal.output.isTTY) printStats(response, this.#terminal);
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      this.#terminal.note(this.#terminal.styleNote("dim", "(stopped)"));
      if (text === "") return;
      // what was stopped stays in the conversation as far as it came
      const asked = { role: MessageRole.USER, content };
      this.#state.session = withPast(session, [
        ...past,
        asked,
        { role: MessageRole.ASSISTANT, content: text },
      ]);
    } finally {
      this.#status.clear();
      this.#answer = undefined;
    }
  }

  #interrupt(): void {
    if (this.#answer !== undefined) {
      this.#answer.abort();
    } else if (this.#leaving || !this.#terminal.input.isTTY) {
      this.#interrupted = true;
      this.#lines?.close();
    } else {
      this.#leaving = this.#lines?.typed === "";
      if (this.#leaving) this.#terminal.note("\n(Ctrl-C again or Ctrl-D ends the chat)");
      this.#lines?.clearTyped();
    }
  }
}
