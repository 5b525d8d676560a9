import type { Command } from "../command.ts";
import { HUB_FLAGS, JSON_FLAG, PROVIDER_FLAGS } from "../flags.ts";
import { listModels } from "../models/list-models.ts";
import { pullModel } from "../models/pull-model.ts";
import { removeModels } from "../models/remove-models.ts";
import { showModel } from "../models/show-model.ts";
import type { ParsedFlags } from "../parse-flags.ts";
import type { Terminal } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";

/** What `models` does with the rest of its arguments. */
type ModelsAction = (names: readonly string[], flags: ParsedFlags, terminal: Terminal) => Promise<number>;

const ACTIONS: Readonly<Record<string, ModelsAction>> = {
  list: listModels,
  pull: pullModel,
  info: showModel,
  rm: removeModels,
};

/** Looks after the models in the Hugging Face cache. */
export const modelsCommand: Command = {
  name: "models",
  arguments: "list | pull MODEL | info MODEL | rm MODEL…",
  summary: "List, download, describe or remove models of the Hugging Face cache",
  notes: [
    "list --provider NAME lists the models of another provider; the other actions are about the cache.",
  ],
  flags: [
    ...PROVIDER_FLAGS,
    ...HUB_FLAGS,
    { name: "yes", short: "y", help: "Remove without asking" },
    JSON_FLAG,
  ],
  examples: [
    "abstractllm models list",
    "abstractllm models list --provider ollama",
    "abstractllm models pull mlx-community/SmolLM2-135M-Instruct",
    "abstractllm models info mlx-community/SmolLM2-135M-Instruct --json",
    "abstractllm models rm --yes mlx-community/SmolLM2-135M-Instruct",
  ],
  run: async (flags, terminal) => {
    const [action = "list", ...names] = flags.positionals;
    const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (run === undefined) {
      throw new UsageError(`Unknown action "${action}" of models; known: ${Object.keys(ACTIONS).join(", ")}`);
    }
    return run(names, flags, terminal);
  },
};
