import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { loadModel } from "../../src/load/index.ts";
import { device } from "../device.ts";
import { writeSafetensors } from "../engine/write-safetensors.ts";
import { expectSameLogits } from "./compare-logits.ts";
import { decodeFloats, type GoldenCase, readGolden } from "./golden.ts";
import { buildModel, runModel } from "./run-model.ts";

const { cases } = readGolden<{ cases: GoldenCase[] }>("models/prism_hadamard_qwen35.json");

it.each(cases)("loads a folder as Python mlx-lm computes it: $name", async (golden) => {
  const folder = mkdtempSync(join(tmpdir(), "pack-"));
  const built = await buildModel(golden);
  const tensors = [...built.model.parameters()].map(([name, array]) => [
    name,
    {
      shape: array.shape,
      data: array.toTypedArray(),
      dtype: array.dtype === mx.uint32 ? "U32" : "F32",
    },
  ]);
  writeSafetensors(join(folder, "model.safetensors"), Object.fromEntries(tensors));
  writeFileSync(join(folder, "config.json"), JSON.stringify(golden.config));
  built.model.dispose();
  const { model, warnings } = await loadModel(folder, { device, tokenizer: false, exact: true });
  expect(warnings).toEqual([]);
  for (const run of golden.runs)
    expectSameLogits(runModel(model, run).values, decodeFloats(run.logits), Number(golden.config.vocab_size));
  model.dispose();
  rmSync(folder, { recursive: true });
});
