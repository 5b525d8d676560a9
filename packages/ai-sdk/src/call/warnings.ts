import type { SharedV3Warning } from "@ai-sdk/provider";

/** Takes note of what cannot be done as it was asked for. */
export type Warn = (warning: SharedV3Warning) => void;

/** The library's own warnings as the AI SDK's. */
export function toWarnings(messages: readonly string[]): SharedV3Warning[] {
  return messages.map((message) => ({ type: "other", message }));
}
