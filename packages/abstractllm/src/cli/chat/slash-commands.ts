import { requireOption } from "../../config/check-options.ts";
import { nearestName } from "../../config/nearest-name.ts";
import { OPTION_TABLE } from "../../config/option-table.ts";
import { parseOptionText } from "../../config/parse-option-text.ts";
import { MessageRole } from "../../interface/message.ts";
import { textOf } from "../../prompt/text-of.ts";
import { Session } from "../../session/index.ts";
import { formatTable } from "../format.ts";
import { printStats } from "../print-stats.ts";
import type { Terminal } from "../terminal.ts";
import { type ChatState, withPast } from "./chat-state.ts";

/** What a `/command` has to work with. */
interface SlashContext {
  /** What follows the command's name. */
  readonly argument: string;
  readonly state: ChatState;
  readonly terminal: Terminal;
}

/** Options that the session holds: saved with it, or unknown to providers. */
const OF_SESSION: readonly string[] = ["systemPrompt", "truncationStrategy"];

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
    `Unknown command /${name}${nearest === undefined ? "." : `; did you mean /${nearest}?`} See /help`,
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
  const { session } = state;
  if (argument === "") terminal.print(`${session.options.systemPrompt ?? "(no system prompt)"}\n`);
  else session.updateConfig({ systemPrompt: argument === "-" ? undefined : argument });
}

function clear({ state }: SlashContext): undefined {
  state.session.clear();
}

function dropLast({ state }: SlashContext): undefined {
  const { messages } = state.session;
  const asked = messages.findLastIndex(({ role }) => role === MessageRole.USER);
  state.session = withPast(state.session, messages.slice(0, Math.max(0, asked)));
}

function showHistory({ state, terminal }: SlashContext): undefined {
  for (const message of state.session.messages)
    terminal.print(`${terminal.style("bold", message.role)}: ${textOf(message)}\n`);
}

async function save({ argument, state, terminal }: SlashContext): Promise<undefined> {
  if (argument === "") throw new Error("Expected a file name: /save chat.json");
  await state.session.save(argument);
  terminal.note(`Saved ${state.session.messages.length} messages to ${argument}`);
}

async function load({ argument, state, terminal }: SlashContext): Promise<undefined> {
  if (argument === "") throw new Error("Expected a file name: /load chat.json");
  state.session = await Session.load(argument, state.session.llm);
  terminal.note(`Loaded ${state.session.messages.length} messages from ${argument}`);
}

function set({ argument, state, terminal }: SlashContext): undefined {
  const [, key = "", text = ""] = /^(\S*)\s*(.*)$/s.exec(argument) ?? [];
  const { session } = state;
  if (key === "") {
    const settings = { ...session.llm.getConfig(), ...session.options };
    const rows = Object.entries(settings).filter(([, value]) => typeof value !== "function");
    terminal.print(formatTable(rows.map(([name, value]) => [name, JSON.stringify(value) ?? ""])));
    return;
  }
  const name = requireOption(key, { scope: "config" });
  const value = text === "" ? undefined : parseOptionText(OPTION_TABLE[name].check, text);
  if (OF_SESSION.includes(name)) {
    session.updateConfig({ [name]: value });
    return;
  }
  session.llm.updateConfig({ [name]: value });
  // one that a loaded session brought would win
  if (OPTION_TABLE[name].scope === "both") session.updateConfig({ [name]: undefined });
}

function stats({ state, terminal }: SlashContext): undefined {
  if (state.last === undefined) throw new Error("There is no answer yet");
  printStats(state.last, terminal);
}
