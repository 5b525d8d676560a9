import type { Statement } from "./ast.ts";
import { Budget, DEFAULT_TEMPLATE_LIMITS, type TemplateLimits } from "./budget.ts";
import { fromData } from "./from-data.ts";
import { createGlobals } from "./globals.ts";
import { Interpreter } from "./interpreter.ts";
import { parseTemplate } from "./parser.ts";
import { limitError } from "./template-failure.ts";

/** Parsed templates, the most recent last; a conversation renders the same one over and over. */
const parsed = new Map<string, Statement[]>();
const MAX_PARSED = 16;

/**
 * Renders a Jinja template as transformers does: Jinja's own rules with `trim_blocks`, `lstrip_blocks`, loop controls,
 * Python's values and methods, `tojson`, `raise_exception` and `strftime_now`, in a sandbox without files, imports or
 * mutation. Every loop round, call and built-in is paid from a budget before it runs, so a template ends within its
 * limits; it sees copies of plain data only, so it cannot reach any JavaScript object.
 *
 * @param template - source, at most `maxTemplateLength`
 * @param variables - plain data; functions are refused
 * @param limits - see `TemplateLimits`
 * @param now - the time for `strftime_now`
 * @throws {TemplateError} with `details.problem`: `syntax`, `runtime`, `raised` (the template's own message) or `limit`
 */
export function renderTemplate(
  template: string,
  variables: Readonly<Record<string, unknown>>,
  limits: Partial<TemplateLimits> = {},
  now: () => Date = () => new Date(),
): string {
  const bounds = { ...DEFAULT_TEMPLATE_LIMITS, ...limits };
  if (template.length > bounds.maxTemplateLength) {
    throw limitError(
      "template",
      `The chat template has ${template.length} characters, more than ${bounds.maxTemplateLength}.`,
    );
  }
  const statements = parseCached(template);
  const budget = new Budget(bounds);
  const globals = createGlobals(budget, now);
  for (const [name, value] of Object.entries(variables)) {
    if (value !== undefined) globals.set(name, fromData(value));
  }
  return new Interpreter(budget).render(statements, globals);
}

function parseCached(template: string): Statement[] {
  const statements = parsed.get(template) ?? parseTemplate(template);
  parsed.delete(template);
  parsed.set(template, statements);
  const oldest = parsed.keys().next().value;
  if (parsed.size > MAX_PARSED && oldest !== undefined) parsed.delete(oldest);
  return statements;
}
