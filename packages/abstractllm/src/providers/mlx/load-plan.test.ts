import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Options } from "../../config/option-table.ts";
import { planLoad } from "./load-plan.ts";
import { type ModelSource, modelSources } from "./model-source.ts";

const KB = 1024;
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "abstractllm-plan-"));
  await writeFile(join(folder, "model.safetensors"), new Uint8Array(16 * KB));
});
afterEach(() => rm(folder, { recursive: true }));

function source(options: Options = {}, device: "cpu" | "gpu" = "cpu"): ModelSource {
  const [first] = modelSources({ model: "m", ...options }, device);
  if (first === undefined) throw new Error("no source");
  return first;
}

describe("a plan", () => {
  test.each([
    ["quantized already", { quantization: { bits: 4 } }, {}, "cpu", false, 16],
    ["quantized to 4 bits in groups of 64", { torch_dtype: "bfloat16" }, {}, "cpu", true, 4.5],
    [
      "quantized to 8 bits in groups of 32",
      {},
      { quantize: { bits: 8, groupSize: 32 } },
      "cpu",
      { bits: 8, groupSize: 32 },
      9,
    ],
    ["kept, in 32 bits on the CPU", { dtype: "float16" }, { quantize: false }, "cpu", false, 32],
    ["kept, as it is on a GPU", { dtype: "float16" }, { quantize: false }, "gpu", false, 16],
    ["kept, exact on a GPU", { dtype: "float16" }, { quantize: false, exact: true }, "gpu", false, 32],
    ["kept, 32 bits as stored on a GPU", { dtype: "float32" }, { quantize: false }, "gpu", false, 16],
    ["kept, 32 bits as stored", { dtype: "float32" }, { quantize: false }, "cpu", false, 16],
  ] as const)("for a model that is %s", async (_, config, options, device, quantize, kilobytes) => {
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    expect(await planLoad(folder, source(options, device))).toEqual({
      quantize,
      memoryBytes: kilobytes * KB,
    });
  });

  test("leaves a damaged or missing config to the engine", async () => {
    expect(await planLoad(folder, source())).toEqual({ quantize: false, memoryBytes: 16 * KB });
    await writeFile(join(folder, "config.json"), "{");
    expect(await planLoad(folder, source())).toEqual({ quantize: false, memoryBytes: 16 * KB });
  });
});
