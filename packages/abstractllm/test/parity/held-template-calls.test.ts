import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dialectOf } from "../../src/dialects/index.ts";
import { createLLM, type Tool } from "../../src/index.ts";
import { grammarProblem } from "../support/grammar-problem.ts";
import { HELD_DIALECTS } from "../support/held-dialects.ts";
import { writeSpellingModel } from "../support/spelling-model.ts";
import { readTemplateCalls } from "../support/template-calls.ts";

/** They write lists and objects in Python; held to calls, models write them in JSON. */
const OTHERS = ["LFM2.5-8B-A1B.jinja", "openbmb-MiniCPM5-1B.jinja"];
const golden = readTemplateCalls();
const cases = golden.cases.filter(({ template }) => !OTHERS.includes(template));

describe.skipIf(grammarProblem !== undefined)(`a model held to calls${grammarProblem ?? ""}`, () => {
  test.each(cases)("may write one as its chat template does: $template", async ({ dialect, text }) => {
    const { template = "", special = [] } = HELD_DIALECTS.find((held) => held.dialect === dialect) ?? {};
    const folder = await mkdtemp(join(tmpdir(), "abstractllm-spelling-"));
    const end = dialect === "harmony" ? "<|call|>" : (dialectOf(dialect)?.end ?? "");
    const call = end === "" ? text : text.slice(0, text.lastIndexOf(end) + end.length);
    const tokens = await writeSpellingModel(folder, call, {
      chatTemplate: `{# ${template} #}{% if tools %}{% endif %}${dialect === "harmony" ? "<|start|>" : ""}`,
      otherTokens: special,
    });
    await using llm = await createLLM("mlx", {
      model: folder,
      temperature: 0,
      device: "cpu",
      quantize: false,
    });
    const { toolCalls, usage, warnings } = await llm.generate("Go", { tools: [golden.tool as Tool] });
    expect(toolCalls).toMatchObject([{ name: golden.tool.name, arguments: golden.arguments }]);
    expect(warnings).toEqual([]);
    expect(usage.outputTokens - tokens).toBeOneOf([0, 1]); // the end of the answer, where nothing else has ended it
    await rm(folder, { recursive: true });
  });
});
