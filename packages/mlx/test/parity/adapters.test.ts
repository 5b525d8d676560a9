/** Adapters against Python mlx-lm. */
import { rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { type Adapter, openAdapter } from "../../src/load/adapters/index.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { quantize } from "../../src/nn/index.ts";
import { type AdapterGolden, contentOf, peftContentOf, writeAdapter } from "./adapter-folder.ts";
import { expectSameLogits } from "./compare-logits.ts";
import { decodeFloats, type GoldenCase, readGolden, readModelGoldens } from "./golden.ts";
import { buildModel, runModel } from "./run-model.ts";

const { cases } = readGolden<{ cases: readonly AdapterGolden[] }>("adapters.json");
const models = new Map(
  readModelGoldens().flatMap(({ architecture, cases: own }) =>
    own.map((golden): [string, GoldenCase] => [`${architecture}/${golden.name}`, golden]),
  ),
);

const modelOf = (id: string): GoldenCase => {
  const golden = models.get(id);
  if (golden === undefined) throw new Error(`there is no model golden ${id}`);
  return golden;
};

/** The model of a golden, which `bits` quantize. */
const build = async ({ model: id, bits, groupSize }: AdapterGolden): Promise<LanguageModel> => {
  const { model } = await buildModel(modelOf(id));
  if (bits !== undefined && groupSize !== undefined)
    quantize(model, { bits, groupSize }, (path) => model.quantizationOf(path));
  return model;
};

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const open = (golden: AdapterGolden, model: LanguageModel, format: "mlx-lm" | "peft"): Adapter => {
  const folder =
    format === "peft"
      ? writeAdapter(peftContentOf(golden), "adapter_model.safetensors")
      : writeAdapter(contentOf(golden));
  folders.push(folder);
  return openAdapter({ model, config: modelOf(golden.model).config }, folder);
};

/** PEFT has no stacks of experts, and full weights are no adapter there. */
const hasPeftForm = ({ config, tensors }: AdapterGolden): boolean =>
  config.fine_tune_type !== "full" && Object.values(tensors).every((shape) => shape.length < 3);

describe.each(cases)("$name of $model", (golden) => {
  it.each(["mlx-lm", ...(hasPeftForm(golden) ? (["peft"] as const) : [])] as const)(
    "agrees with Python mlx-lm, from files of %s, and leaves the model as it was",
    async (format) => {
      const model = await build(golden);
      const V = Number(modelOf(golden.model).config.vocab_size);
      const plain = golden.runs.map((run) => runModel(model, run).values);
      const adapter = open(golden, model, format);
      adapter.apply();
      for (const run of golden.runs) {
        expectSameLogits(runModel(model, run).values, decodeFloats(run.logits), V);
      }
      adapter.remove();
      expect(golden.runs.map((run) => runModel(model, run).values)).toEqual(plain);
      adapter.dispose();
      model.dispose();
    },
  );
});
