/** Tiny models that llama.cpp's converter wrote, against the logits Python mlx-lm gives for the repository it read. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadModel } from "../../src/load/load-model.ts";
import { readGguf } from "../../src/weights/index.ts";
import { device } from "../device.ts";
import { expectSameLogits } from "./compare-logits.ts";
import { runModel } from "./run-model.ts";

const goldens = fileURLToPath(new URL("../goldens/gguf/", import.meta.url));
const names = readdirSync(goldens).map((file) => file.slice(0, -".gguf.gz".length));

const numbers = (value: unknown): number[] => Array.from(value as ArrayLike<number>);

describe("a GGUF file of llama.cpp's converter", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "gguf-parity-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(names)("%s gives the logits of its repository", async (name) => {
    const path = join(folder, `${name}.gguf`);
    writeFileSync(path, gunzipSync(readFileSync(join(goldens, `${name}.gguf.gz`))));
    const { metadata } = readGguf(path);
    const tokens = numbers(metadata.get("golden.tokens"));
    const expected = Float32Array.from(numbers(metadata.get("golden.logits")));
    const { model, warnings } = await loadModel(path, { device, exact: true, tokenizer: false });
    try {
      const { values } = runModel(model, { tokens: [tokens], chunks: [tokens.length], cached: false });
      expectSameLogits(values, expected, expected.length / tokens.length);
      expect(warnings).toEqual([]);
    } finally {
      model.dispose();
    }
  });
});
