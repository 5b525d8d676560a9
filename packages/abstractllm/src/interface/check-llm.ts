import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError } from "../errors/index.ts";
import type { AbstractLLM } from "./abstract-llm.ts";

/**
 * Checks what is handed over as an LLM.
 *
 * @param expected - what may be there, for the message
 * @throws {InvalidParameterError} saying what it is instead; a promise is what `createLLM` without `await` gives
 */
export function checkLLM(value: AbstractLLM, expected = "an LLM, as createLLM gives one,"): AbstractLLM {
  const given: unknown = value;
  const isObject = typeof given === "object" && given !== null;
  if (isObject && "generate" in given && typeof given.generate === "function") return value;
  const hint = isObject && "then" in given ? "a promise; await it first" : describeValue(given);
  const message = `Expected ${expected} but received ${hint}`;
  throw new InvalidParameterError("llm", undefined, message);
}
