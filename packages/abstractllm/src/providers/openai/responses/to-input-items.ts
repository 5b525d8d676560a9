import type { AssistantMessage } from "../../../interface/message.ts";
import type { ResolvedMessage, ResolvedUserMessage } from "../../../media/index.ts";
import { asArray, asRecord } from "../../remote/index.ts";
import type { InputItem, InputPart } from "./responses-request.ts";

/**
 * The conversation as the responses API takes it.
 *
 * An answer that this API gave goes back as it came, reasoning included, so that the model goes on thinking where it
 * was; other answers are written out.
 */
export async function toInputItems(
  messages: readonly ResolvedMessage[],
  systemRole: "system" | "developer",
  signal: AbortSignal,
): Promise<InputItem[]> {
  const items = await Promise.all(
    messages.map(async (message): Promise<InputItem[]> => {
      switch (message.role) {
        case "system":
          return [{ role: systemRole, content: message.content }];
        case "user":
          return [{ role: "user", content: await toContent(message, signal) }];
        case "tool":
          return [{ type: "function_call_output", call_id: message.toolCallId, output: message.content }];
        case "assistant":
          return toAnswerItems(message);
      }
    }),
  );
  return items.flat();
}

async function toContent(
  { content }: ResolvedUserMessage,
  signal: AbortSignal,
): Promise<string | InputPart[]> {
  if (typeof content === "string") return content;
  return Promise.all(
    content.map(async (part): Promise<InputPart> => {
      if (part.type === "text") return { type: "input_text", text: part.text };
      const { image_url } = await part.image.toProviderFormat("openai", signal);
      return { type: "input_image", image_url: image_url.url, detail: image_url.detail ?? "auto" };
    }),
  );
}

function toAnswerItems({ content, toolCalls = [], providerData = {} }: AssistantMessage): InputItem[] {
  const output = asArray(asRecord(providerData.openai).output);
  if (output.length > 0) return output.map(asRecord);
  const calls = toolCalls.map(({ id, name, arguments: input, invalidArguments }) => ({
    type: "function_call" as const,
    call_id: id,
    name,
    arguments: invalidArguments ?? JSON.stringify(input),
  }));
  return content === "" ? calls : [{ role: "assistant", content }, ...calls];
}
