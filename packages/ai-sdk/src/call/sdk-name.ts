const NAMES: Readonly<Record<string, string>> = { maxTokens: "maxOutputTokens", stop: "stopSequences" };

/** What the AI SDK calls an option of the library. */
export function sdkName(name: string): string {
  return NAMES[name] ?? name;
}
