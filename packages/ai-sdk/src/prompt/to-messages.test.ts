import type { LanguageModelV3ToolResultOutput, SharedV3Warning } from "@ai-sdk/provider";
import type { Message } from "abstractllm";
import { expect, test } from "vitest";
import type { GivenMessage } from "./given-message.ts";
import { toMessages } from "./to-messages.ts";

function read(...prompt: GivenMessage[]) {
  const warnings: SharedV3Warning[] = [];
  return { messages: toMessages(prompt, (warning) => warnings.push(warning)), warnings };
}

/** Files of the user, as they were made. */
function filesOf(messages: readonly Message[]): File[] {
  const parts = messages.flatMap(({ content }) => (typeof content === "string" ? [] : content));
  return parts.flatMap((part) => (part.type === "file" && part.file instanceof File ? [part.file] : []));
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
  const content = [part];
  expect(() => read({ role: "user", content })).toThrow(
    expect.objectContaining({ name: "AI_UnsupportedFunctionalityError" }),
  );
});

test("text data is base64 and never a path", async () => {
  const data = Buffer.from("/etc/passwd").toString("base64");
  const { messages } = read({
    role: "user",
    content: [{ type: "file", data, mediaType: "text/*", filename: "notes.txt" }],
  });
  const [file] = filesOf(messages);
  expect([file?.name, file?.type, await file?.text()]).toEqual(["notes.txt", "", "/etc/passwd"]);
});

test("a file with imageDetail is an image, though AI SDK 7 does not say so of addresses in a tool's result", () => {
  const url = "https://example.org/images/1";
  const providerOptions = { abstractllm: { imageDetail: "low" } };
  const output = { type: "content" as const, value: [{ type: "file-url" as const, url, providerOptions }] };
  const { messages } = read({ role: "tool", content: [result(output)] });
  const image = { type: "image", image: url, detail: "low" };
  expect(messages.at(-1)).toMatchObject({ role: "user", content: [{ type: "text" }, image] });
});

test("a file of text has the type that is said of it", () => {
  const file = { type: "file", data: { type: "text", text: "a,b" }, filename: "t" } as const;
  const { messages } = read({
    role: "user",
    content: ["text/csv", "text"].map((mediaType) => ({ ...file, mediaType })),
  });
  expect(filesOf(messages).map(({ name, type }) => [name, type])).toEqual([
    ["t", "text/csv"],
    ["t", ""],
  ]);
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
