import type { Message } from "../interface/message.ts";

/** The text of a message; what is no text in it is left out. */
export function textOf({ content }: Message): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
