import type { GenerateOptions } from "abstractllm";

/** Options without those that are not set. */
export function setOptions(
  options: { readonly [Name in keyof GenerateOptions]: GenerateOptions[Name] | undefined },
): GenerateOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
