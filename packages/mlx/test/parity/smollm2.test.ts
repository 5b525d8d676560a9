import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as mx from "../../src/core/index.ts";
import { type LoadedModel, loadModel } from "../../src/load/index.ts";
import { activeMemory } from "../active-memory.ts";
import { device } from "../device.ts";
import { rowDifference, TOLERANCE } from "./compare-logits.ts";
import { decodeFloats, readGolden } from "./golden.ts";

interface SmolLM2Golden {
  file: string;
  config: Record<string, unknown>;
  /** Every how many logits one is in the golden. */
  logitsStride: number;
  prompts: {
    name: string;
    prompt: number[];
    /** Python's greedy answer. */
    tokens: number[];
    text: string;
    logits: { step: number; largest: number; values: string }[];
  }[];
}

const golden = readGolden<SmolLM2Golden>("smollm2.json");
const gguf = fileURLToPath(new URL(`../../../../.setup/models/${golden.file}`, import.meta.url));

/** The greedy continuation of a prompt, and the logits `[V]` each token was chosen from. */
function generateGreedily({ model }: LoadedModel, prompt: readonly number[], count: number) {
  const cache = model.makeCache();
  const rows: Float32Array[] = [];
  const tokens: number[] = [];
  let inputs = prompt;
  while (tokens.length < count) {
    mx.tidy(() => {
      const logits = model.forward(mx.array([[...inputs]], mx.int32), { cache });
      const last = mx.index(logits, 0, -1);
      rows.push(last.toTypedArray() as Float32Array);
      tokens.push(mx.argmax(last).item());
    });
    inputs = tokens.slice(-1);
  }
  for (const layer of cache) layer.dispose();
  return { rows, tokens };
}

const title = existsSync(gguf)
  ? "SmolLM2-135M Q4_1"
  : "SmolLM2-135M Q4_1 (not in .setup/models: run npm run setup)";

describe.skipIf(!existsSync(gguf))(title, () => {
  let loaded: LoadedModel;
  beforeAll(async () => {
    loaded = await loadModel(gguf, { device, exact: true });
  });
  afterAll(() => loaded?.model.dispose());

  it("has the config that Python reads from the file", () => {
    const { config } = loaded;
    expect(config).toMatchObject({ ...golden.config, rms_norm_eps: expect.closeTo(1e-5, 10) });
  });

  it.each(golden.prompts)("continues the $name prompt with Python's 48 greedy tokens", (expected) => {
    const { tokens, rows } = generateGreedily(loaded, expected.prompt, expected.tokens.length);
    expect(tokens).toEqual(expected.tokens);
    expect(loaded.tokenizer?.decode(tokens)).toBe(expected.text);
    for (const { step, values } of expected.logits) {
      const kept = (rows[step] as Float32Array).filter((_, i) => i % golden.logitsStride === 0);
      expect(rowDifference(kept, decodeFloats(values)), `logits of step ${step}`).toBeLessThanOrEqual(
        TOLERANCE,
      );
    }
  });
});

it.skipIf(!existsSync(gguf))("holds the weights once, and nothing once it is disposed", async () => {
  const before = activeMemory();
  const { model } = await loadModel(gguf, { quantize: true, tokenizer: false });
  const weightBytes = [...model.parameters().values()].reduce((sum, { nbytes }) => sum + nbytes, 0);
  expect(activeMemory() - before).toBeLessThan(1.1 * weightBytes);
  model.dispose(); // what is left to the garbage collector is still there at once
  expect(activeMemory()).toBe(before);
});
