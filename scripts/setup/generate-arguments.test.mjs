import { expect, test } from "vitest";
import { generateArguments } from "./generate-arguments.mjs";

const context = { root: "/r" };
const cli = "/r/packages/abstractllm/dist/cli/main.js";
const model = "/r/.setup/models/SmolLM2-135M-Instruct.Q4_1.gguf";
const withDefaults = [cli, "generate", "--provider", "mlx", "--model", model];

test.each([
  [[], [...withDefaults, "Why is the sky blue?"]],
  [["Hello"], [...withDefaults, "Hello"]],
  [
    ["Hello", "--max-tokens", "5"],
    [...withDefaults, "Hello", "--max-tokens", "5"],
  ],
  [
    ["--model=m", "Hello"],
    [cli, "generate", "--provider", "mlx", "--model=m", "Hello"],
  ],
  [
    ["-m", "m", "Hello"],
    [cli, "generate", "--provider", "mlx", "-m", "m", "Hello"],
  ],
  [
    ["--provider", "openai", "Hello"],
    [cli, "generate", "--provider", "openai", "Hello"],
  ],
])("npm start -- %j", (args, expected) => expect(generateArguments(args, context)).toEqual(expected));
