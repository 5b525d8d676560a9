import { join } from "node:path";
import { createContext } from "./context.mjs";
import { defaultModelPath } from "./steps/default-model.mjs";

const defaultPrompt = "Why is the sky blue?";

/**
 * Completes what the user gave `npm start` to a command line of the CLI.
 *
 * @param {readonly string[]} args - prompt and options; none asks {@link defaultPrompt}
 * @param {{ root: string }} [context]
 * @returns {string[]} arguments for Node
 */
export function generateArguments(args, context = createContext()) {
  const cli = join(context.root, "packages", "abstractllm", "dist", "cli", "main.js");
  const model = defaultModelPath(context);
  return [
    ...[cli, "generate"],
    ...(hasOption(args, "--provider") ? [] : ["--provider", "mlx"]),
    ...(hasOption(args, "--model") || hasOption(args, "--provider") ? [] : ["--model", model]),
    ...(args.length === 0 ? [defaultPrompt] : args),
  ];
}

/** @param {readonly string[]} args @param {string} name */
function hasOption(args, name) {
  return args.some((argument) => argument === name || argument.startsWith(`${name}=`));
}
