import { describeValue } from "./describe-value.ts";

/** What a value must be: a phrase for the message, and the test behind it. */
export interface Check {
  /** Completes "Expected … for temperature". */
  readonly expected: string;
  accepts(value: unknown): boolean;
  /** What of a refused value is wrong, to follow "but received"; undefined where that is the value itself. */
  fault?(value: unknown): string | undefined;
  /** How the text of an environment variable or a command-line flag becomes such a value. */
  readonly text: "string" | "number" | "boolean" | "limit" | "list" | "json" | "none";
}

interface Range {
  min?: number;
  max?: number;
  /** The lower bound itself is refused. */
  above?: number;
}

/** A finite number within a range. */
export function number(range: Range = {}): Check {
  return { expected: `number${within(range)}`, accepts: (value) => isNumberIn(value, range), text: "number" };
}

/** A safe integer within a range. */
export function integer(range: Range = {}): Check {
  return {
    expected: `integer${within(range)}`,
    accepts: (value) => Number.isSafeInteger(value) && isNumberIn(value, range),
    text: "number",
  };
}

/** Timers overflow beyond. */
const MAX_MILLISECONDS = 2 ** 31 - 1;

/** A time that a timer can count. */
export const milliseconds: Check = {
  ...integer({ min: 1, max: MAX_MILLISECONDS }),
  expected: `whole milliseconds between 1 and ${MAX_MILLISECONDS}`,
};

/** Any string, the empty one included. */
export const string: Check = {
  expected: "string",
  accepts: (value) => typeof value === "string",
  text: "string",
};

/** A string of at least one character. */
export const nonEmptyString: Check = {
  expected: "non-empty string",
  accepts: (value) => typeof value === "string" && value !== "",
  text: "string",
};

/** `true` or `false`. */
export const boolean: Check = {
  expected: "boolean",
  accepts: (value) => typeof value === "boolean",
  text: "boolean",
};

/** An array of non-empty strings. */
export const stringList: Check = {
  expected: "array of non-empty strings",
  accepts: isStringList,
  text: "list",
};

/** A non-empty string or an array of them. */
export const stringOrList: Check = {
  expected: "non-empty string or array of non-empty strings",
  accepts: (value) => nonEmptyString.accepts(value) || isStringList(value),
  text: "list",
};

/** One of some fixed words. */
export function oneOf(...words: readonly string[]): Check {
  return {
    expected: `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`,
    accepts: (value) => typeof value === "string" && words.includes(value),
    text: "string",
  };
}

/** One of some fixed numbers. */
export function oneOfNumbers(...numbers: readonly [number, number, ...number[]]): Check {
  return {
    expected: `${numbers.slice(0, -1).join(", ")} or ${numbers.at(-1)}`,
    accepts: (value) => numbers.includes(value as number),
    text: "number",
  };
}

/** An object with string keys. */
export const record: Check = { expected: "object", accepts: isRecord, text: "json" };

/** A JSON Schema, or a schema of a validation library; some libraries' schemas are functions. */
export const schema: Check = {
  expected: "JSON Schema or Standard Schema",
  accepts: (value) => isRecord(value) || (typeof value === "function" && "~standard" in value),
  text: "json",
};

/** A word, or the name of a tool. */
export const toolChoice: Check = {
  expected: 'one of "auto", "none", "required", { name }',
  accepts: (value) =>
    ["auto", "none", "required"].includes(value as string) ||
    (isRecord(value) && nonEmptyString.accepts(value.name)),
  text: "string",
};

/** The name of an adapter, or several with scales. */
export const adapter: Check = {
  expected: "non-empty string or array of { name, scale }",
  accepts: (value) =>
    nonEmptyString.accepts(value) || (Array.isArray(value) && value.every((part) => isAdapterPart(part))),
  text: "string",
};

/** Whether and how much to think. */
export const reasoning: Check = {
  expected:
    'boolean, one of "low", "medium", "high", { maxTokens: 0 or more }, or { maxTokens: 1 or more, effort }',
  accepts: (value) =>
    typeof value === "boolean" || isDegree(value) || (isRecord(value) && isReasoningLimit(value)),
  text: "limit",
};

const isDegree = (value: unknown): boolean => ["low", "medium", "high"].includes(value as string);

/** Without any tokens there is nothing to use an effort on. */
function isReasoningLimit({ maxTokens, effort, ...others }: Readonly<Record<string, unknown>>): boolean {
  if (!Number.isSafeInteger(maxTokens) || Object.keys(others).length > 0) return false;
  return effort === undefined ? (maxTokens as number) >= 0 : (maxTokens as number) >= 1 && isDegree(effort);
}

/** A string or an object. */
export const stringOrRecord: Check = {
  expected: "string or object",
  accepts: (value) => typeof value === "string" || isRecord(value),
  text: "string",
};

/** Any array. */
export const list: Check = { expected: "array", accepts: Array.isArray, text: "json" };

/** A function. */
export const callback: Check = {
  expected: "function",
  accepts: (value) => typeof value === "function",
  text: "none",
};

/** An `AbortSignal`, also from another realm. */
export const abortSignal: Check = {
  expected: "AbortSignal",
  accepts: (value) =>
    typeof value === "object" &&
    value !== null &&
    typeof (value as AbortSignal).aborted === "boolean" &&
    typeof (value as AbortSignal).addEventListener === "function",
  text: "none",
};

/** Token ids with what is added to their logits. */
export const logitBias = recordOf("object of token ids with finite numbers", (id, bias) => {
  if (!/^\d+$/.test(id)) return `key ${describeValue(id)}`;
  return isNumberIn(bias, {}) ? undefined : `${describeValue(bias)} for ${id}`;
});

/** A key that a header can carry. */
export const key: Check = {
  expected: "non-empty text of visible ASCII characters",
  accepts: (value) => typeof value === "string" && /^[\x21-\x7e]+$/.test(value),
  text: "string",
};

/** Address of a proxy; the path says nothing. */
export const proxy: Check = {
  expected: "http or https URL, such as http://proxy.example:8080,",
  accepts: (value) => typeof value === "string" && /^https?:/i.test(value) && URL.canParse(value),
  text: "string",
};

/** Non-empty strings by name. */
export const stringRecord = recordOf("object of non-empty strings", (name, text) =>
  nonEmptyString.accepts(text) ? undefined : `${describeValue(text)} for ${JSON.stringify(name)}`,
);

/** Names and values of HTTP headers, without line breaks in them. Values are not shown: they may hold keys. */
export const headers = recordOf("object of HTTP header names with texts", (name, text) => {
  const [valid = ""] = /^[\w!#$%&'*+.^`|~-]*/.exec(name) ?? [];
  // what follows may be a value that got into the name
  if (valid !== name) return `name ${JSON.stringify(`${name.slice(0, valid.length + 1)}…`)}`;
  if (name === "") return "an empty name";
  if (typeof text !== "string") return `${typeof text} for ${name}`;
  return /^[\t\x20-\x7e]*$/.test(text) ? undefined : `characters that no header can carry for ${name}`;
});

/** Whether log probabilities are wanted, and with how many alternatives. */
export const logprobs: Check = {
  expected: "boolean or integer of at least 0",
  accepts: (value) => typeof value === "boolean" || (Number.isSafeInteger(value) && Number(value) >= 0),
  text: "json",
};

/** Whether and how long a service keeps a prompt. */
export const promptCaching: Check = {
  expected: 'boolean or one of "5m", "1h"',
  accepts: (value) => typeof value === "boolean" || value === "5m" || value === "1h",
  text: "boolean",
};

const CAPABILITIES: Readonly<Record<string, Check>> = {
  contextWindow: integer({ min: 1 }),
  maxOutputTokens: integer({ min: 1 }),
  vision: boolean,
  audio: boolean,
  tools: boolean,
  structuredOutput: boolean,
  reasoning: boolean,
};

/** What a model can, as far as somebody says. */
export const capabilities = recordOf(
  "object of contextWindow and maxOutputTokens (integers of at least 1), vision, audio, tools, structuredOutput and reasoning (booleans)",
  (name, known) => {
    const check = Object.hasOwn(CAPABILITIES, name) ? CAPABILITIES[name] : undefined;
    if (check === undefined) return `key ${describeValue(name)}`;
    return check.accepts(known) ? undefined : `${describeValue(known)} for ${name}`;
  },
);

/** `true`, `false`, or bits and group size that MLX has kernels for. */
export const quantization: Check = {
  expected: "boolean or { bits: 2, 3, 4, 5, 6 or 8, groupSize: 32, 64 or 128 }",
  accepts: (value) => typeof value === "boolean" || isQuantization(value),
  text: "boolean",
};

function isAdapterPart(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { name, scale = 1, ...others } = value;
  return nonEmptyString.accepts(name) && isNumberIn(scale, {}) && Object.keys(others).length === 0;
}

function isQuantization(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { bits = 4, groupSize = 64, ...others } = value;
  return (
    [2, 3, 4, 5, 6, 8].includes(bits as number) &&
    [32, 64, 128].includes(groupSize as number) &&
    Object.keys(others).length === 0
  );
}

function isNumberIn(value: unknown, { min = -Infinity, max = Infinity, above = -Infinity }: Range): boolean {
  return (
    Number.isFinite(value) &&
    (value as number) >= min &&
    (value as number) <= max &&
    (value as number) > above
  );
}

function within({ min, max, above }: Range): string {
  if (above !== undefined && max !== undefined) return ` above ${above} and up to ${max}`;
  if (min !== undefined && max !== undefined) return ` between ${min} and ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return "";
}

/** An object of entries. @param faultOf - what is wrong with one; undefined where nothing is */
function recordOf(expected: string, faultOf: (key: string, value: unknown) => string | undefined): Check {
  const fault = (value: unknown): string | undefined => {
    const entries = isRecord(value) ? Object.entries(value) : [];
    return entries.map(([key, each]) => faultOf(key, each)).find((each) => each !== undefined);
  };
  const accepts = (value: unknown) => isRecord(value) && fault(value) === undefined;
  return { expected, accepts, fault, text: "json" };
}

function isStringList(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
