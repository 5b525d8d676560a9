import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { createLLM } from "../../src/index.ts";
import { writeScriptedModel } from "../support/scripted-model.ts";
import { schemaCases } from "./schema-cases.ts";
import { toolCases } from "./tool-cases.ts";

/** Takes tools, and says by its last mark what the model writes next. */
const TEMPLATE =
  "{% for m in messages %}{{ m.content }}{% for tool_call in m.tool_calls or [] %}<tool_call>{{ tool_call.name }}</tool_call>{% endfor %}{% endfor %}" +
  "{% if messages[-1].role == 'tool' %}<|after|>" +
  "{% elif 'does not fit' in messages[-1].content %}<|corrected|>" +
  "{% elif 'JSON Schema' in messages[0].content %}<|object|>" +
  "{% elif not tools %}<|plain|>" +
  "{% elif tools|length > 1 %}<|both|>" +
  "{% elif tools[0].function.name == 'get_time' %}<|time|>" +
  "{% else %}<|weather|>{% endif %}";

/** No token may be in two chains, so the same JSON is spaced in several ways. */
const CHAINS = [
  [
    "<|both|>",
    "<tool_call>",
    '{"name": "get_weather", ',
    '"arguments": {"city": "Zürich 🙂"}}',
    "</tool_call>",
  ].concat('<tool_call> {"name": "get_time", ', '"arguments":  {"city": "Zürich 🙂"}} </tool_call>'),
  ["<|weather|>", '<tool_call>{"name":"get_weather",', '"arguments":{"city": ', '"Zürich 🙂"}}</tool_call>'],
  ["<|time|>", '<tool_call>{"name":"get_time",', '"arguments":{"city":"Zürich 🙂"}} </tool_call>'],
  ["<|after|>", "It ", "is ", "sunny."],
  ["<|plain|>", "No ", "tool."],
  ["<|object|>", '{"name": ', '"Zürich ', '🙂", ', '"count": ', "7}"],
  ["<|corrected|>", '{"name":', '"Zürich 🙂",', '"count":', "8}"],
];

let folder = "";
beforeAll(async () => {
  process.env.ABSTRACTLLM_MLX_GRAMMAR = "off"; // its few tokens fit few grammars; this is how it goes without one
  folder = await mkdtemp(join(tmpdir(), "abstractllm-scripted-"));
  const specialTokens = ["<tool_call>", "</tool_call>"];
  await writeScriptedModel(folder, { chatTemplate: TEMPLATE, chains: CHAINS, specialTokens });
});
afterAll(() => {
  delete process.env.ABSTRACTLLM_MLX_GRAMMAR;
  return rm(folder, { recursive: true });
});

const SUBJECT = {
  open: () => createLLM("mlx", { model: folder, temperature: 0, device: "cpu", quantize: false }),
};

toolCases(SUBJECT);
schemaCases(SUBJECT);
