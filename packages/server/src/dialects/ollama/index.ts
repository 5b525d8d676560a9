import { readChat } from "./read-chat.ts";
import { readGenerate } from "./read-generate.ts";
import { ollamaOperation } from "./write-answer.ts";

export { writeOllamaError } from "./ollama-error.ts";

/** `/api/chat`. */
export const chatOperation = ollamaOperation(readChat, ({ text, reasoning, toolCalls }) => ({
  message: {
    role: "assistant",
    content: text,
    ...(reasoning === "" ? {} : { thinking: reasoning }),
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map(({ id, name, arguments: input }) => ({
            id,
            function: { name, arguments: input },
          })),
        }),
  },
}));

/** `/api/generate`. */
export const generateOperation = ollamaOperation(readGenerate, ({ text, reasoning }) => ({
  response: text,
  ...(reasoning === "" ? {} : { thinking: reasoning }),
}));
