import { expect, test } from "vitest";
import { JSON_FLAG, MODEL_FLAGS, SAMPLING_FLAGS } from "./flags.ts";
import { parseFlags } from "./parse-flags.ts";

const FLAGS = [...MODEL_FLAGS, ...SAMPLING_FLAGS, JSON_FLAG];

test("become options with the values that the library expects", () => {
  const args = [
    "--temperature",
    "0.5",
    "-n",
    "7",
    "--stop",
    "a",
    "--stop",
    "b",
    "--no-quantize",
    "--ignore-eos",
  ];
  expect(parseFlags([...args, "--logit-bias", '{"3":1}', "--seed=2", "hello"], FLAGS)).toMatchObject({
    positionals: ["hello"],
    options: {
      temperature: 0.5,
      maxTokens: 7,
      stop: ["a", "b"],
      quantize: false,
      ignoreEos: true,
      logitBias: { 3: 1 },
      seed: 2,
    },
  });
});

test("that are no options are read by name", () => {
  const flags = parseFlags(["--json", "--provider", "p", "--no-quantize"], FLAGS);
  expect([flags.has("json"), flags.has("help"), flags.text("provider"), flags.off.has("quantize")]).toEqual([
    true,
    false,
    "p",
    true,
  ]);
});

test.each([
  [["--temprature", "1"], "Unknown flag --temprature; did you mean --temperature?"],
  [["--no-quantise"], "did you mean --no-quantize?"],
  [["--model"], "argument missing"],
  [["--no-json"], "--no-json is not a flag"],
  [["-z"], "Unknown flag -z"],
])("are refused: %j", (args, message) => {
  expect(() => parseFlags(args, FLAGS)).toThrow(message);
});
