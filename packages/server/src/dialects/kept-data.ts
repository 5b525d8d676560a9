import type { AssistantMessage } from "abstractllm";

/** Marks tokens as this server's, so that those of services are not taken for them. */
const PREFIX = "abstractllm.";

type KeptData = NonNullable<AssistantMessage["providerData"]>;

/** What a model needs to see again with its answer, as a text that a client keeps and sends back. */
export function sealData(data: KeptData): string {
  return PREFIX + Buffer.from(JSON.stringify(data)).toString("base64url");
}

/** What such a text holds; undefined for one that this server did not make. */
export function openData(text: string | undefined): KeptData | undefined {
  if (text === undefined || !text.startsWith(PREFIX)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text.slice(PREFIX.length), "base64url").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as KeptData)
      : undefined;
  } catch {
    return undefined;
  }
}
