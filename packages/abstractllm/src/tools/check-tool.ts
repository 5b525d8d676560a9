import * as check from "../config/checks.ts";
import { describeValue } from "../config/describe-value.ts";

/** What every service accepts. */
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

const FIELDS: Readonly<Record<string, check.Check>> = {
  description: check.string,
  parameters: check.schema,
  execute: check.callback,
  timeoutMs: check.milliseconds,
  strict: check.boolean,
};

/** What is wrong with a tool, or undefined. */
export function checkTool(tool: unknown): string | undefined {
  if (!check.record.accepts(tool)) {
    return `Expected tools made by tool() but received ${describeValue(tool)}`;
  }
  const fields = tool as Readonly<Record<string, unknown>>;
  const { name } = fields;
  if (typeof name !== "string" || !NAME.test(name)) {
    return `Expected 1 to 64 letters, digits, "_" or "-" for a tool's name but received ${describeValue(name)}`;
  }
  for (const [field, { expected, accepts }] of Object.entries(FIELDS)) {
    const value = fields[field];
    if (value === undefined || accepts(value)) continue;
    return `Expected ${expected} for ${field} of tool "${name}" but received ${describeValue(value)}`;
  }
  return undefined;
}
