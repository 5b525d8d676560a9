/** Adapters against Python mlx-lm. */
import { rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { type Adapter, openAdapter } from "../../src/load/adapters/index.ts";
import { loadModel } from "../../src/load/load-model.ts";
import type { LanguageModel } from "../../src/models/index.ts";
import { Linear, quantize } from "../../src/nn/index.ts";
import { smolLM2 } from "../engine/smollm2.ts";
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
  return openAdapter({ model, config: modelOf(golden.model).config, exact: true }, folder);
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

it("DoRA takes the lengths of rows from quantized weights, in whatever order they lie in memory", async () => {
  const path = "model.layers.3.mlp.down_proj";
  const tensors = { [`${path}.lora_a`]: [1536, 2], [`${path}.lora_b`]: [2, 576], [`${path}.m`]: [576] };
  const config = { fine_tune_type: "dora", lora_parameters: { rank: 2, scale: 0.1 } };
  const folder = writeAdapter(contentOf({ seed: 4, config, tensors }));
  folders.push(folder);
  const gainsWith = async (exact: boolean): Promise<Float32Array> => {
    const loaded = await loadModel(smolLM2, { device: "cpu", exact, tokenizer: false }); // exact: as in the file
    const adapter = openAdapter(loaded, folder);
    adapter.apply();
    const layer = new Map(loaded.model.namedModules()).get(path);
    if (!(layer instanceof Linear) || layer.update?.gains === undefined) throw new Error("no gains");
    const gains = layer.update.gains.toTypedArray() as Float32Array;
    adapter.dispose();
    loaded.model.dispose();
    return gains;
  };
  const gains = await gainsWith(true);
  expect(await gainsWith(false)).toEqual(gains);
  expect(new Set(gains).size).toBeGreaterThan(500);
});
