import type { Warn } from "./warnings.ts";

/** Says that a call's own headers do not go out. The AI SDK's own one says who asks and asks for nothing. */
export function warnOfHeaders(headers: Readonly<Record<string, string | undefined>> = {}, warn: Warn): void {
  const names = Object.keys(headers).filter((name) => name.toLowerCase() !== "user-agent");
  if (names.length === 0) return;
  const details = `${names.join(", ")}: give headers to createAbstractLLM, for every call.`;
  warn({ type: "unsupported", feature: "headers", details });
}
