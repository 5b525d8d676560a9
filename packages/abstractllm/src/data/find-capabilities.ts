import * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";
import { InvalidParameterError } from "../errors/index.ts";
import type { ModelCapabilities } from "../interface/model-capabilities.ts";
import { MODEL_CAPABILITIES } from "./model-capabilities.ts";

const registered: (readonly [name: RegExp, known: ModelCapabilities])[] = [];

/**
 * What is known of a model by its name; undefined where nothing is.
 *
 * @param model - as the option `model` names it, with or without organization
 * @example findModelCapabilities("meta-llama/Llama-3.1-8B-Instruct")?.contextWindow // 131072
 */
export function findModelCapabilities(model: string): ModelCapabilities | undefined {
  const name = bareName(model);
  const published = MODEL_CAPABILITIES.find(([pattern]) => pattern.test(name))?.[1];
  const own = registered.filter(([pattern]) => pattern.test(name)).map(([, known]) => known);
  return published === undefined && own.length === 0 ? undefined : Object.assign({}, published, ...own);
}

/**
 * Says what models can, over what is published of them; the last one that fits wins.
 *
 * @param name - the beginning of the models' names without organization, or a pattern for these in lower case
 * @throws {InvalidParameterError} for an empty name, or a capability that is unknown or has a bad value
 * @example registerModelCapabilities("my-model", { contextWindow: 32_768, vision: true });
 */
export function registerModelCapabilities(name: string | RegExp, capabilities: ModelCapabilities): void {
  if (!(name instanceof RegExp) && !check.nonEmptyString.accepts(name)) {
    const message = `Expected non-empty string or RegExp for name but received ${describeValue(name)}`;
    throw new InvalidParameterError("name", name, message);
  }
  if (!check.capabilities.accepts(capabilities)) {
    const message = `Expected ${check.capabilities.expected} for capabilities`;
    throw new InvalidParameterError("capabilities", undefined, message);
  }
  registered.push([toPattern(name), { ...capabilities }]);
}

/** A pattern of one's own is taken without its memory of the last match. */
function toPattern(name: string | RegExp): RegExp {
  if (name instanceof RegExp) return new RegExp(name.source, name.flags.replace(/[gy]/g, ""));
  return new RegExp(`^${bareName(name).replace(/[^\w]/g, "\\$&")}`);
}

/** Without organization, the mark of a fine-tuned model, and capitals. */
function bareName(model: string): string {
  const name = model.toLowerCase();
  const base = name.startsWith("ft:") ? (name.split(":")[1] ?? name) : name;
  return base.slice(base.lastIndexOf("/") + 1);
}
