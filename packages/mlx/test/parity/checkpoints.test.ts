import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { loadModel } from "../../src/load/index.ts";
import { device } from "../device.ts";
import { expectSameLogits } from "./compare-logits.ts";
import { decodeFloats, type GoldenRun, readGolden } from "./golden.ts";
import { runModel } from "./run-model.ts";

const FOLDER = fileURLToPath(new URL("../goldens/checkpoints/", import.meta.url));
const expected = readGolden<Record<string, GoldenRun>>("checkpoints/expected.json");

describe("model folders", () => {
  it.each(Object.entries(expected))("give Python's logits: %s", async (name, run) => {
    const loaded = await loadModel(`${FOLDER}${name}`, { device, exact: true, tokenizer: false });
    expect(loaded.warnings).toEqual([]);
    const { values } = runModel(loaded.model, run);
    expectSameLogits(values, decodeFloats(run.logits), Number(loaded.config.vocab_size));
    loaded.model.dispose();
  });
});
