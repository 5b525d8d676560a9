import { requireOption } from "../../config/check-options.ts";
import { nearestName } from "../../config/nearest-name.ts";
import { OPTION_TABLE } from "../../config/option-table.ts";
import { parseOptionText } from "../../config/parse-option-text.ts";
import { formatTable } from "../format.ts";
import { printStats } from "../print-stats.ts";
import type { Terminal } from "../terminal.ts";
import { loadChat, saveChat } from "./chat-file.ts";
import type { ChatState } from "./chat-state.ts";

/** What a `/command` has to work with. */
interface SlashContext {
  /** What follows the command's name. */
  readonly argument: string;
  readonly state: ChatState;
  readonly terminal: Terminal;
}

interface SlashCommand {
  readonly name: string;
  readonly argument: string;
  readonly help: string;
  /** `"exit"` ends the chat. */
  run(context: SlashContext): Promise<"exit" | undefined> | "exit" | undefined;
}

const COMMANDS: readonly SlashCommand[] = [
  { name: "help", argument: "", help: "Show these commands", run: showHelp },
  {
    name: "system",
    argument: "[TEXT]",
    help: "Show or set the system prompt; `/system -` removes it",
    run: setSystem,
  },
  { name: "clear", argument: "", help: "Forget the conversation", run: clear },
  { name: "retry", argument: "", help: "Forget the last answer and its question", run: dropLast },
  { name: "history", argument: "", help: "Show the conversation", run: showHistory },
  { name: "save", argument: "FILE", help: "Write the conversation to a file", run: save },
  { name: "load", argument: "FILE", help: "Go on with a saved conversation", run: load },
  {
    name: "set",
    argument: "[OPTION [VALUE]]",
    help: "Show the options, or set one; no value is the default",
    run: set,
  },
  { name: "stats", argument: "", help: "Show tokens and speed of the last answer", run: stats },
  { name: "exit", argument: "", help: "End the chat, as Ctrl-D does", run: () => "exit" },
];

/**
 * Carries out one `/command`.
 *
 * @throws {Error} with what to type instead when there is no such command or its argument is wrong
 */
export async function runSlashCommand(
  line: string,
  state: ChatState,
  terminal: Terminal,
): Promise<"exit" | undefined> {
  const [, name = "", argument = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const wanted = name === "quit" ? "exit" : name;
  const command = COMMANDS.find((candidate) => candidate.name === wanted);
  if (command !== undefined) return command.run({ argument: argument.trim(), state, terminal });
  const nearest = nearestName(wanted, slashCommandNames());
  throw new Error(
    `Unknown command /${name}${nearest === undefined ? "" : `; did you mean /${nearest}?`} See /help`,
  );
}

/** Names for completion. */
export function slashCommandNames(): string[] {
  return COMMANDS.map(({ name }) => name);
}

function showHelp({ terminal }: SlashContext): undefined {
  const rows = COMMANDS.map(({ name, argument, help }) => [`/${name} ${argument}`.trim(), help]);
  terminal.print(formatTable(rows));
  terminal.print(
    "A line that ends with \\ goes on in the next one. Ctrl-C stops an answer, Ctrl-D ends the chat.\n",
  );
}

function setSystem({ argument, state, terminal }: SlashContext): undefined {
  if (argument === "") {
    terminal.print(`${state.llm.getParam("systemPrompt") ?? "(no system prompt)"}\n`);
    return;
  }
  state.llm.updateConfig({ systemPrompt: argument === "-" ? undefined : argument });
}

function clear({ state }: SlashContext): undefined {
  state.messages = [];
}

function dropLast({ state }: SlashContext): undefined {
  state.messages = state.messages.slice(0, -2);
}

function showHistory({ state, terminal }: SlashContext): undefined {
  for (const { role, content } of state.messages)
    terminal.print(`${terminal.style("bold", role)}: ${content}\n`);
}

async function save({ argument, state, terminal }: SlashContext): Promise<undefined> {
  if (argument === "") throw new Error("Expected a file name: /save chat.json");
  const model = state.llm.getParam("model");
  const systemPrompt = state.llm.getParam("systemPrompt");
  await saveChat(argument, {
    ...(model === undefined ? {} : { model }),
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
    messages: state.messages,
  });
  terminal.note(`Saved ${state.messages.length} messages to ${argument}`);
}

async function load({ argument, state, terminal }: SlashContext): Promise<undefined> {
  if (argument === "") throw new Error("Expected a file name: /load chat.json");
  const { messages, systemPrompt } = await loadChat(argument);
  state.messages = [...messages];
  state.llm.updateConfig({ systemPrompt });
  terminal.note(`Loaded ${messages.length} messages from ${argument}`);
}

function set({ argument, state, terminal }: SlashContext): undefined {
  const [, key = "", text = ""] = /^(\S*)\s*(.*)$/s.exec(argument) ?? [];
  if (key === "") {
    const rows = Object.entries(state.llm.getConfig()).filter(([, value]) => typeof value !== "function");
    terminal.print(formatTable(rows.map(([name, value]) => [name, JSON.stringify(value) ?? ""])));
    return;
  }
  const name = requireOption(key, { scope: "config" });
  state.llm.updateConfig({
    [name]: text === "" ? undefined : parseOptionText(OPTION_TABLE[name].check, text),
  });
}

function stats({ state, terminal }: SlashContext): undefined {
  if (state.last === undefined) throw new Error("There is no answer yet");
  printStats(state.last, terminal);
}
