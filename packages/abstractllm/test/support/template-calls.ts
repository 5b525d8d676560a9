import { readFileSync } from "node:fs";
import type { ToolSpec } from "../../src/index.ts";

/** Calls of one tool as chat templates write them. */
interface TemplateCalls {
  tool: ToolSpec;
  arguments: Record<string, unknown>;
  cases: { template: string; dialect: string; text: string }[];
}

/** M3 writes elements of its own, for which mlx-lm infers the wrong parser. */
const OTHERS = ["MiniMax-M3.jinja"];

/** Those whose way of writing calls is known. */
export function readTemplateCalls(): TemplateCalls {
  const path = new URL("../goldens/template-calls.json", import.meta.url);
  const golden = JSON.parse(readFileSync(path, "utf8")) as TemplateCalls;
  return { ...golden, cases: golden.cases.filter(({ template }) => !OTHERS.includes(template)) };
}
