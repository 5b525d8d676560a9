import type {
  LanguageModelV3Message,
  LanguageModelV3ToolResultOutput,
  SharedV3Warning,
} from "@ai-sdk/provider";
import { expect, test } from "vitest";
import { toMessages } from "./to-messages.ts";

function read(...prompt: LanguageModelV3Message[]) {
  const warnings: SharedV3Warning[] = [];
  return { messages: toMessages(prompt, (warning) => warnings.push(warning)), warnings };
}

const toolCall = { type: "tool-call", toolCallId: "1", toolName: "look", input: { at: "sky" } } as const;
const result = (output: LanguageModelV3ToolResultOutput) =>
  ({ type: "tool-result", toolCallId: "1", toolName: "look", output }) as const;

test("an answer keeps its text, its thoughts, its calls and what its model left in it", () => {
  const kept = { abstractllm: { providerData: { "anthropic/m": { signature: "s" } } } };
  const { messages } = read(
    { role: "system", content: "Be brief." },
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "Hm." },
        { type: "text", text: "Let me look." },
        toolCall,
        { type: "reasoning", text: "", providerOptions: kept },
      ],
    },
  );
  expect(messages).toEqual([
    { role: "system", content: "Be brief." },
    {
      role: "assistant",
      content: "Let me look.",
      reasoning: "Hm.",
      toolCalls: [{ id: "1", name: "look", arguments: { at: "sky" } }],
      providerData: { "anthropic/m": { signature: "s" } },
    },
  ]);
});

test.each([
  ['{"at":', '{"at":'],
  [["sky"], '["sky"]'],
])("arguments that are no object are shown to the model as they are: %j", (input, invalidArguments) => {
  const { messages } = read({ role: "assistant", content: [{ ...toolCall, input }] });
  expect(messages).toMatchObject([{ toolCalls: [{ arguments: {}, invalidArguments }] }]);
});

test("what a tool gave at another service stands where it was given", () => {
  const content = [
    toolCall,
    result({ type: "text", value: "blue" }),
    { type: "text", text: "Blue." },
  ] as const;
  expect(read({ role: "assistant", content: [...content] }).messages).toMatchObject([
    { role: "assistant", content: "", toolCalls: [{ id: "1" }] },
    { role: "tool", content: "blue", toolCallId: "1", name: "look" },
    { role: "assistant", content: "Blue." },
  ]);
});

test.each<[LanguageModelV3ToolResultOutput, object]>([
  [{ type: "text", value: "blue" }, { content: "blue" }],
  [{ type: "json", value: { sky: "blue" } }, { content: '{"sky":"blue"}' }],
  [
    { type: "error-text", value: "dark" },
    { content: "dark", isError: true },
  ],
  [
    { type: "error-json", value: [1] },
    { content: "[1]", isError: true },
  ],
  [
    { type: "execution-denied", reason: "no" },
    { content: "The call was refused: no", isError: true },
  ],
])("the result %j is a message", (output, expected) => {
  const { messages } = read({ role: "tool", content: [result(output)] });
  expect(messages).toEqual([{ role: "tool", toolCallId: "1", name: "look", ...expected }]);
});

test("files that tools gave follow all of their results, with a warning", () => {
  const png = { type: "image-data", data: "iVBORw0KGgo=", mediaType: "image/png" } as const;
  const first = result({ type: "content", value: [{ type: "text", text: "seen" }, png] });
  const second = { ...result({ type: "text", value: "blue" }), toolCallId: "2" };
  const { messages, warnings } = read({ role: "tool", content: [first, second] });
  expect(messages).toMatchObject([
    { role: "tool", content: "seen", toolCallId: "1" },
    { role: "tool", content: "blue", toolCallId: "2" },
    { role: "user", content: [{ type: "text" }, { type: "image", image: expect.any(File) }] },
  ]);
  expect(warnings).toMatchObject([{ type: "compatibility", feature: "files in tool results" }]);
});

test.each([
  ["file: addresses", { type: "file", data: new URL("file:///etc/passwd"), mediaType: "text/plain" }],
  ["references", { type: "file", data: { type: "reference", reference: {} }, mediaType: "text/plain" }],
] as const)("%s are refused", (_, part) => {
  const message = { role: "user", content: [part] } as unknown as LanguageModelV3Message;
  expect(() => read(message)).toThrow(expect.objectContaining({ name: "AI_UnsupportedFunctionalityError" }));
});

test("text data is base64 and never a path", async () => {
  const data = Buffer.from("/etc/passwd").toString("base64");
  const { messages } = read({
    role: "user",
    content: [{ type: "file", data, mediaType: "text/*", filename: "notes.txt" }],
  });
  expect(messages).toMatchObject([{ content: [{ type: "file", file: expect.any(File) }] }]);
  const [message] = messages;
  const [part] = message?.role === "user" && typeof message.content !== "string" ? message.content : [];
  const file = part?.type === "file" && part.file instanceof File ? part.file : undefined;
  expect([file?.name, file?.type, await file?.text()]).toEqual(["notes.txt", "", "/etc/passwd"]);
});

test("what no message can hold is left out with a warning", () => {
  const { messages, warnings } = read({
    role: "assistant",
    content: [
      { type: "file", data: "", mediaType: "image/png" },
      { type: "text", text: "There." },
    ],
  });
  expect(messages).toEqual([{ role: "assistant", content: "There." }]);
  expect(warnings).toMatchObject([{ type: "unsupported" }]);
});
