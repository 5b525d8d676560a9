import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DeltaPart } from "../interface/stream-part.ts";
import type { ToolSpec } from "../interface/tool.ts";
import { createAnswerReader, marksOf } from "./answer-reader.ts";

const TOOLS: readonly ToolSpec[] = [
  {
    name: "add",
    parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } },
  },
  { name: "say", parameters: { type: "object", properties: { text: { type: "string" } } } },
];

const THINK = { start: "<think>", end: "</think>" };

interface Written {
  dialect?: string;
  text: string;
  startsInReasoning?: boolean;
  isCutOff?: boolean;
  tools?: readonly ToolSpec[];
  usedIds?: ReadonlySet<string>;
}

/** What a reader makes of pieces; deltas of one kind that follow each other are one. */
function read(
  pieces: readonly string[],
  { dialect, startsInReasoning, isCutOff = false, tools = TOOLS, usedIds = new Set() }: Written,
) {
  const parts: DeltaPart[] = [];
  const reader = createAnswerReader({
    dialect,
    reasoning: THINK,
    startsInReasoning,
    tools,
    usedIds,
    emit: (part) => parts.push(part),
  });
  for (const piece of pieces) reader.push(piece);
  reader.end(isCutOff);
  const events: [string, unknown][] = [];
  for (const part of parts) {
    const last = events.at(-1);
    if (part.type === "text-delta" || part.type === "reasoning-delta") {
      if (last?.[0] === part.type) last[1] += part.text;
      else events.push([part.type, part.text]);
    } else if (part.type === "tool-call") {
      events.push([part.toolCall.name, part.toolCall.arguments]);
    }
  }
  return { events, text: reader.text, reasoning: reader.reasoning, toolCalls: reader.toolCalls, parts };
}

const ADD = ["add", { a: 1, b: 2 }];
const text = (value: string) => ["text-delta", value];
const reasoning = (value: string) => ["reasoning-delta", value];

const ADD_JSON = '{"name": "add", "arguments": {"a": 1, "b": 2}}';
const SAY_TAG = '{"name": "say", "arguments": {"text": "</tool_call> \\" {"}}';

const ANSWERS: [name: string, written: Written, events: unknown[]][] = [
  ["plain text", { text: "Hi <b>there</b>.\n" }, [text("Hi <b>there</b>.\n")]],
  [
    "reasoning",
    { text: "<think>\nLet me\nsee.\n</think>\n\nYes.\n" },
    [reasoning("Let me\nsee."), text("Yes.\n")],
  ],
  ["empty reasoning", { text: "<think>\n\n</think>\n\nYes." }, [text("Yes.")]],
  [
    "reasoning that the prompt opened",
    { text: "\nHm < 5.</think>Yes.", startsInReasoning: true },
    [reasoning("Hm < 5."), text("Yes.")],
  ],
  ["reasoning without an end", { text: "<think>Hm.", isCutOff: true }, [reasoning("Hm.")]],
  [
    "a call after text and reasoning",
    { dialect: "json_tools", text: `<think>A</think>I add.\n<tool_call>\n${ADD_JSON}\n</tool_call>` },
    [reasoning("A"), text("I add."), ADD],
  ],
  [
    "two calls",
    { dialect: "json_tools", text: `<tool_call>${ADD_JSON}</tool_call>\n<tool_call>${SAY_TAG}</tool_call>` },
    [ADD, ["say", { text: '</tool_call> " {' }]],
  ],
  ["a call without its end", { dialect: "json_tools", text: `<tool_call>\n${ADD_JSON}` }, [ADD]],
  [
    "a call that was cut off",
    { dialect: "json_tools", text: `A <tool_call>${ADD_JSON}`, isCutOff: true },
    [text(`A <tool_call>${ADD_JSON}`)],
  ],
  [
    "a malformed call between others",
    { dialect: "json_tools", text: `<tool_call>{"name"}</tool_call><tool_call>${ADD_JSON}</tool_call>` },
    [text('<tool_call>{"name"}</tool_call>'), ADD],
  ],
  [
    "marks without tools",
    { dialect: "json_tools", text: `<tool_call>${ADD_JSON}</tool_call>`, tools: [] },
    [text(`<tool_call>${ADD_JSON}</tool_call>`)],
  ],
  [
    "Qwen3-Coder",
    {
      dialect: "qwen3_coder",
      text: "So:\n<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n2\n</parameter>\n</function>\n</tool_call>",
    },
    [text("So:"), ADD],
  ],
  ["Llama 3, bare", { dialect: "llama3", text: '{"name": "add", "parameters": {"a": 1, "b": 2}}' }, [ADD]],
  [
    "a bare call after reasoning",
    { dialect: "prompted_json", text: `<think>Hm.</think>\n${ADD_JSON}` },
    [reasoning("Hm."), ADD],
  ],
  [
    "bare JSON within reasoning",
    { dialect: "prompted_json", text: ADD_JSON, startsInReasoning: true },
    [reasoning(ADD_JSON)],
  ],
  [
    "a call of an unknown tool",
    { dialect: "prompted_json", text: '<tool_call>{"name": "sub", "arguments": {}}</tool_call>' },
    [["sub", {}]],
  ],
  [
    "Llama 3, marked",
    {
      dialect: "llama3",
      text: '<|python_tag|>{"type": "function", "name": "add", "parameters": {"a": 1, "b": 2}}',
    },
    [ADD],
  ],
  ["Llama 3, Python", { dialect: "llama3", text: "[add(a=1, b=2)]" }, [ADD]],
  ["Llama 3, several", { dialect: "llama3", text: `${ADD_JSON}; ${ADD_JSON}` }, [ADD, ADD]],
  [
    "Llama 3, JSON that is an answer",
    { dialect: "llama3", text: '{"name": "Ada", "age": 36}' },
    [text('{"name": "Ada", "age": 36}')],
  ],
  [
    "Llama 3, a built-in tool",
    { dialect: "llama3", text: '<|python_tag|>say.call(text="hi")' },
    [["say", { text: "hi" }]],
  ],
  [
    "Mistral",
    { dialect: "mistral", text: 'I add.[TOOL_CALLS]add[ARGS]{"a": 1, "b": 2}' },
    [text("I add."), ADD],
  ],
  [
    "DeepSeek V3.1",
    {
      dialect: "deepseek",
      text: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{"a": 1, "b": 2}<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    },
    [ADD],
  ],
  [
    "DeepSeek V3",
    {
      dialect: "deepseek",
      text: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{"a": 1, "b": 2}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
    },
    [ADD],
  ],
  [
    "DeepSeek V3.2",
    {
      dialect: "deepseek_dsml",
      text: '<｜DSML｜function_calls>\n<｜DSML｜invoke name="say">\n<｜DSML｜parameter name="text" string="true">5</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    },
    [["say", { text: "5" }]],
  ],
  [
    "Gemma 4",
    { dialect: "gemma4", text: '<|tool_call>call:say{text:<|"|>}<|"|>}<tool_call|>' },
    [["say", { text: "}" }]],
  ],
  [
    "Kimi K3",
    {
      dialect: "kimi_k3",
      text: '<|open|>response<|sep|>Hm.<|close|>response<|sep|><|open|>tools<|sep|><|open|>call tool="add"<|sep|><|open|>json type="object"<|sep|>{"a":1,"b":2}<|close|>json<|sep|><|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|>',
    },
    [text("Hm."), ADD],
  ],
  [
    "gpt-oss",
    {
      dialect: "harmony",
      text: '<|channel|>analysis<|message|>Sum?<|end|><|start|>assistant<|channel|>commentary to=functions.add <|constrain|>json<|message|>{"a": 1, "b": 2}<|call|>',
    },
    [reasoning("Sum?"), ADD],
  ],
  [
    "gpt-oss, to the end of the answer",
    {
      dialect: "harmony",
      text: '<|channel|>commentary<|message|>I add.<|end|><|start|>assistant to=functions.add<|channel|>commentary<|message|>{"a": 1, "b": 2}',
    },
    [text("I add."), ADD],
  ],
  [
    "gpt-oss, a call at once",
    {
      dialect: "harmony",
      text: ' to=functions.add<|channel|>commentary json<|message|>{"a": 1, "b": 2}<|call|>',
    },
    [ADD],
  ],
  [
    "gpt-oss, final",
    {
      dialect: "harmony",
      text: "<|channel|>analysis<|message|>A<|end|><|start|>assistant<|channel|>final<|message|>It < 5.",
    },
    [reasoning("A"), text("It < 5.")],
  ],
  [
    "gpt-oss, malformed",
    { dialect: "harmony", text: "<|channel|>commentary to=functions.add<|message|>{oops<|call|>" },
    [text("{oops")],
  ],
  ["gpt-oss, no header", { dialect: "harmony", text: "assist me" }, [text("assist me")]],
  ["gpt-oss, next to nothing", { dialect: "harmony", text: "As" }, [text("As")]],
  ["gpt-oss, less", { dialect: "harmony", text: "as" }, [text("as")]],
];

describe("an answer", () => {
  test.each(ANSWERS)("is read: %s", (_, written, events) => {
    expect(read([written.text], written).events).toEqual(events);
  });

  test.each(ANSWERS)("is the same however it is cut: %s", (_, written, events) => {
    expect(read([...written.text], written).events).toEqual(events);
    const cuts = fc.array(fc.nat(written.text.length), { maxLength: 8 });
    fc.assert(
      fc.property(cuts, (given) => {
        const at = [0, ...given.sort((a, b) => a - b), written.text.length];
        const pieces = at.slice(1).map((end, index) => written.text.slice(at[index], end));
        expect(read(pieces, written).events).toEqual(events);
      }),
      { numRuns: 50 },
    );
  });

  test("never throws, and loses no text, whatever a model writes", () => {
    const fragments = ANSWERS.flatMap(([, { text: written }]) => written.match(/<[^>]*>|[^<]{1,12}/g) ?? []);
    const dialects = [
      "json_tools",
      "qwen3_coder",
      "glm47",
      "llama3",
      "mistral",
      "deepseek",
      "gemma4",
      "kimi_k2",
    ];
    const others = [
      "kimi_k3",
      "minicpm5",
      "minimax_m2",
      "muse_spark",
      "pythonic",
      "harmony",
      "prompted_json",
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...dialects, ...others),
        fc.array(fc.constantFrom(...fragments), { maxLength: 12 }),
        fc.boolean(),
        (dialect, pieces, isCutOff) => {
          const whole = read([pieces.join("")], { dialect, text: "", isCutOff });
          const cut = read(pieces, { dialect, text: "", isCutOff });
          expect(cut.events).toEqual(whole.events);
          const shown = whole.parts.flatMap((part) => (part.type === "text-delta" ? part.text : []));
          expect(shown.join("")).toBe(whole.text);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("becomes visible as it comes, but for what could begin a mark", () => {
    const parts: DeltaPart[] = [];
    const emit = (part: DeltaPart) => parts.push(part);
    const reader = createAnswerReader({ dialect: "json_tools", tools: TOOLS, usedIds: new Set(), emit });
    const shown = () => parts.splice(0).map((part) => (part.type === "text-delta" ? part.text : part.type));
    reader.push("Hello <tool");
    expect(shown()).toEqual(["Hello"]);
    reader.push("box>");
    expect(shown()).toEqual([" <toolbox>"]);
    reader.push(` <tool_call>${ADD_JSON}</tool_call>`);
    expect(shown()).toEqual(["tool-input-start", "tool-input-delta", "tool-call"]);
  });
});

describe("a call that nothing but its end can follow", () => {
  const inputs = ["{}", '{"a": 1, "b": {"c": [{}]}}', '{"text": "} </tool_call> \\" }"}', '{"a": {"b": 1} }'];
  const written = inputs.map((input) => `<tool_call>\n{"name": "say", "arguments": ${input}}\n</tool_call>`);
  const pieces = (whole: string): DeltaPart[][] => {
    const taken: DeltaPart[][] = [];
    const emit = (part: DeltaPart) => taken.at(-1)?.push(part);
    const options = { dialect: "json_tools", tools: TOOLS, usedIds: new Set<string>(), emit };
    const reader = createAnswerReader({ ...options, areCallsHeld: true });
    for (const character of whole) {
      taken.push([]);
      reader.push(character);
    }
    return taken;
  };

  test.each(inputs)("has its arguments sent as they are written: %s", (input) => {
    const parts = pieces(written[inputs.indexOf(input)] ?? "").flat();
    const [start, ...rest] = parts;
    const end = rest.pop();
    expect(start).toMatchObject({ type: "tool-input-start", name: "say" });
    const texts = rest.map((part) => (part.type === "tool-input-delta" ? part.text : undefined));
    expect(texts.join("")).toBe(input);
    expect(texts.length).toBeGreaterThan(input.length / 3);
    const id = start !== undefined && "id" in start ? start.id : "";
    expect(end).toEqual({ type: "tool-call", toolCall: { id, name: "say", arguments: JSON.parse(input) } });
    for (const part of rest) expect(part).toMatchObject({ id });
  });

  test("is no call when it is cut off, and stays text", () => {
    const parts: DeltaPart[] = [];
    const emit = (part: DeltaPart) => parts.push(part);
    const options = { dialect: "json_tools", tools: TOOLS, usedIds: new Set<string>(), emit };
    const reader = createAnswerReader({ ...options, areCallsHeld: true });
    const text = '<tool_call>{"name": "say", "arguments": {"text": "Hel';
    reader.push(text);
    reader.end(true);
    expect(parts.map(({ type }) => type)).toEqual(["tool-input-start", "tool-input-delta", "text-delta"]);
    expect([reader.text, reader.toolCalls]).toEqual([text, []]);
  });
});

describe("the arguments of a held call are sent as they are written, by", () => {
  const input = { text: 'Say "hi"\n\\ <b>, then null' };
  const json = JSON.stringify(input);
  const written: [dialect: string, text: string][] = [
    ["llama3", `<|python_tag|>{"name": "say", "parameters": ${json}}`],
    ["llama3", `{"name": "say", "parameters": ${json}}`],
    ["prompted_json", `{"name":"say","arguments":${json}}`],
    ["mistral", `[TOOL_CALLS][{"name": "say", "arguments": ${json}}]`],
    ["mistral", `[TOOL_CALLS]say[ARGS]${json}`],
    [
      "qwen3_coder",
      `<tool_call>\n<function=say>\n<parameter=text>\n${input.text}\n</parameter>\n</function>\n</tool_call>`,
    ],
    [
      "minimax_m2",
      `<minimax:tool_call>\n<invoke name="say">\n<parameter name="text">${input.text}</parameter>\n</invoke>\n</minimax:tool_call>`,
    ],
    ["minicpm5", `<function name="say"><param name="text">${input.text}</param></function>`],
    ["glm47", `<tool_call>say<arg_key>text</arg_key><arg_value>${input.text}</arg_value></tool_call>`],
    ["harmony", `<|channel|>commentary to=functions.say<|message|>${json}<|call|>`],
    [
      "longcat",
      `<longcat_tool_call>say\n<longcat_arg_key>text</longcat_arg_key>\n<longcat_arg_value>${input.text}</longcat_arg_value>\n</longcat_tool_call>`,
    ],
    [
      "kimi_k2",
      `<|tool_calls_section_begin|><|tool_call_begin|>functions.say:0<|tool_call_argument_begin|>${json}<|tool_call_end|><|tool_calls_section_end|>`,
    ],
    [
      "kimi_k3",
      `<|open|>tools<|sep|><|open|>call tool="say" index="1"<|sep|><|open|>argument key="text" type="string"<|sep|>${input.text}<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|>`,
    ],
    [
      "deepseek",
      `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>say<｜tool▁sep｜>${json}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    ],
    [
      "deepseek",
      `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>say\n\`\`\`json\n${json}\n\`\`\`<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    ],
    [
      "deepseek_dsml",
      `<｜DSML｜function_calls>\n<｜DSML｜invoke name="say">\n<｜DSML｜parameter name="text" string="true">${input.text}</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>`,
    ],
    [
      "muse_spark",
      `<atem:function_calls>\n<atem:invoke name="say">\n<atem:parameter name="text">${input.text}</atem:parameter>\n</atem:invoke>\n</atem:function_calls>`,
    ],
  ];
  test.each(written)("%s: %s", (dialect, text) => {
    const parts: DeltaPart[] = [];
    const emit = (part: DeltaPart) => parts.push(part);
    const reader = createAnswerReader({
      dialect,
      tools: TOOLS,
      usedIds: new Set(),
      emit,
      areCallsHeld: true,
    });
    for (const character of text) reader.push(character);
    reader.end(false);
    const texts = parts.flatMap((part) => (part.type === "tool-input-delta" ? [part.text] : []));
    expect(texts.length).toBeGreaterThan(10);
    expect(JSON.parse(texts.join(""))).toEqual(input);
    expect([reader.text, reader.toolCalls]).toMatchObject(["", [{ name: "say", arguments: input }]]);
  });
});

describe("ids of calls", () => {
  const kimi = (id: string) =>
    `<|tool_calls_section_begin|><|tool_call_begin|>${id}<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>`;

  test("are the model's own, unless the conversation has them already", () => {
    const written = { dialect: "kimi_k2", text: kimi("functions.say:0") };
    expect(read([written.text], written).toolCalls[0]?.id).toBe("functions.say:0");
    const usedIds = new Set(["functions.say:0"]);
    expect(read([written.text], { ...written, usedIds }).toolCalls[0]?.id).toMatch(/^[A-Za-z0-9]{9}$/);
  });

  test("are nine letters and digits otherwise, each its own", () => {
    const written = { dialect: "json_tools", text: `<tool_call>${ADD_JSON}</tool_call>`.repeat(3) };
    const ids = read([written.text], written).toolCalls.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{9}$/);
  });
});

describe("arguments", () => {
  test.each(["json_tools", "kimi_k2", "deepseek"])("may hold the marks of their dialect: %s", (dialect) => {
    const text = marksOf({ dialect, tools: TOOLS }).join(' "x" ');
    const input = JSON.stringify({ text });
    const writings: Record<string, string> = {
      json_tools: `<tool_call>{"name": "say", "arguments": ${input}}</tool_call>`,
      kimi_k2: `<|tool_calls_section_begin|><|tool_call_begin|>functions.say:0<|tool_call_argument_begin|>${input}<|tool_call_end|><|tool_calls_section_end|>`,
      deepseek: `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>say<｜tool▁sep｜>${input}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`,
    };
    const { events } = read([writings[dialect] ?? ""], { dialect, text: "" });
    expect(events).toEqual([["say", { text }]]);
  });

  test("keep __proto__ as data in every dialect", () => {
    const answers: [string, string][] = [
      ["json_tools", '<tool_call>{"name":"say","arguments":{"__proto__":1}}</tool_call>'],
      ["qwen3_coder", "<tool_call><function=say><parameter=__proto__>1</parameter></function></tool_call>"],
      ["glm47", "<tool_call>say<arg_key>__proto__</arg_key><arg_value>1</arg_value></tool_call>"],
      ["pythonic", "<|tool_call_start|>[say(__proto__=1)]<|tool_call_end|>"],
      ["gemma4", "<|tool_call>call:say{__proto__:1}<tool_call|>"],
    ];
    for (const [dialect, written] of answers) {
      const [call] = read([written], { dialect, text: "" }).toolCalls;
      expect(Object.keys(call?.arguments ?? {})).toEqual(["__proto__"]);
      expect(Object.getPrototypeOf(call?.arguments)).toBe(Object.prototype);
    }
  });

  test("that nest too deep are no call", () => {
    for (const [dialect, open] of [
      ["pythonic", "<|tool_call_start|>[say(text="],
      ["gemma4", "<|tool_call>call:say{text:"],
    ] as const) {
      expect(read([open + "[".repeat(100_000)], { dialect, text: "" }).toolCalls).toEqual([]);
    }
  });
});

test("a tokenizer must leave in what the reader looks for", () => {
  expect(marksOf({ dialect: "mistral", reasoning: THINK, tools: TOOLS })).toEqual([
    "<think>",
    "</think>",
    "[TOOL_CALLS]",
    "[ARGS]",
    "[CALL_ID]",
  ]);
  expect(marksOf({ dialect: "mistral", tools: [] })).toEqual([]);
  expect(marksOf({ dialect: "harmony", tools: [] })).toContain("<|channel|>");
});
