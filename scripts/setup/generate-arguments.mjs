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
  const namesProvider = hasOption(args, "--provider", "-p");
  const namesModel = hasOption(args, "--model", "-m");
  return [
    ...[cli, "generate"],
    ...(namesProvider ? [] : ["--provider", "mlx"]),
    // another provider has models of its own
    ...(namesModel || namesProvider ? [] : ["--model", model]),
    ...(args.length === 0 ? [defaultPrompt] : args),
  ];
}

/** @param {readonly string[]} args @param {string} long @param {string} short */
function hasOption(args, long, short) {
  return args.some((argument) => argument === long || argument.startsWith(`${long}=`) || argument === short);
}
