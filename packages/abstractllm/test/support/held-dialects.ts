/** How models of each dialect open a call: what tells the dialect, the marks of their tokenizers, and the tokens. */
export interface HeldDialect {
  readonly dialect: string;
  /** Words of the chat template. */
  readonly template: string;
  /** Tokens that no text spells, those that are matched whole, and those that open a call, in order. */
  readonly special?: readonly string[];
  readonly added?: readonly string[];
  readonly opening: readonly string[];
}

const TOOL_CALL = ["<tool_call>", "</tool_call>"];

export const HELD_DIALECTS: readonly HeldDialect[] = [
  {
    dialect: "json_tools",
    template: "<tool_call>\\n{ </tool_call>",
    added: TOOL_CALL,
    opening: ["<tool_call>"],
  },
  {
    dialect: "qwen3_coder",
    template: "<tool_call>\\n<function= </tool_call>",
    added: TOOL_CALL,
    opening: ["<tool_call>"],
  },
  {
    dialect: "glm47",
    template: "<tool_call></tool_call><arg_key></arg_key><arg_value></arg_value>",
    added: [...TOOL_CALL, "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"],
    opening: ["<tool_call>"],
  },
  {
    dialect: "longcat",
    template: "<longcat_tool_call>",
    added: ["<longcat_tool_call>", "</longcat_tool_call>", "<longcat_arg_key>", "</longcat_arg_key>"],
    opening: ["<longcat_tool_call>"],
  },
  {
    dialect: "llama3",
    template: '<|start_header_id|>"parameters"',
    special: ["<|python_tag|>"],
    opening: ["<|python_tag|>"],
  },
  {
    dialect: "llama3",
    template: '<|start_header_id|>"parameters"',
    opening: ['{"', "name", '": "', "walk", '", "', "parameters", '":'],
  },
  {
    dialect: "llama3",
    template: '<|start_header_id|>"parameters"',
    opening: ["[walk", "("],
  },
  {
    dialect: "mistral",
    template: "[TOOL_CALLS][ARGS]",
    special: ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"],
    opening: ["[TOOL_CALLS]"],
  },
  {
    dialect: "deepseek",
    template:
      "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜><｜tool▁sep｜><｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    added: [
      "<｜tool▁calls▁begin｜>",
      "<｜tool▁call▁begin｜>",
      "<｜tool▁sep｜>",
      "<｜tool▁call▁end｜>",
      "<｜tool▁calls▁end｜>",
    ],
    opening: ["<｜tool▁calls▁begin｜>"],
  },
  {
    dialect: "deepseek_dsml",
    template: "｜DSML｜ function_calls",
    special: ["｜DSML｜"],
    opening: ["  <", "｜DSML｜", "function", "_calls", ">\n"],
  },
  {
    dialect: "kimi_k2",
    template:
      "<|tool_calls_section_begin|><|tool_call_begin|><|tool_call_argument_begin|><|tool_call_end|><|tool_calls_section_end|>",
    added: [
      "<|tool_calls_section_begin|>",
      "<|tool_call_begin|>",
      "<|tool_call_argument_begin|>",
      "<|tool_call_end|>",
      "<|tool_calls_section_end|>",
    ],
    opening: ["<|tool_calls_section_begin|>"],
  },
  {
    dialect: "kimi_k3",
    template: "",
    special: ["<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>"],
    opening: ["<|open|>", "tools", "<|sep|>"],
  },
  {
    dialect: "harmony",
    template: "<|channel|><|message|><|call|>",
    special: ["<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|call|>", "<|end|>"],
    opening: ["<|channel|>", "commentary", " to", "="],
  },
  {
    dialect: "pythonic",
    template: "<|tool_list_start|>",
    special: ["<|tool_call_start|>", "<|tool_call_end|>"],
    opening: ["<|tool_call_start|>"],
  },
  {
    dialect: "minimax_m2",
    template: "<minimax:tool_call></minimax:tool_call>",
    added: ["<minimax:tool_call>", "</minimax:tool_call>"],
    opening: ["<minimax:tool_call>"],
  },
  {
    dialect: "minicpm5",
    template: '<function name="<param name="',
    opening: ["<function", " name", '="'],
  },
  {
    dialect: "muse_spark",
    template: "<atem:function_calls>",
    opening: ["<at", "em:function_calls", ">\n"],
  },
  {
    dialect: "gemma4",
    template: "<|tool_call><tool_call|>",
    special: ["<|tool_call>", "<tool_call|>", '<|"|>'],
    opening: ["<|tool_call>"],
  },
  {
    dialect: "function_gemma",
    template: "<start_function_call>",
    special: ["<start_function_call>", "<end_function_call>", "<escape>"],
    opening: ["<start_function_call>"],
  },
  {
    dialect: "prompted_json",
    template: "no-tools",
    opening: ["<", "tool", "_call", ">\n"],
  },
  {
    dialect: "prompted_json",
    template: "no-tools",
    opening: ['{"', "name", '":"', "feed", '","', "arguments", '":{'],
  },
];
