import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoadedEmbedder, loadEmbedder } from "../../src/embedding/index.ts";
import { device } from "../device.ts";
import { rowDifference, TOLERANCE } from "./compare-logits.ts";
import { type EmbeddingCase, readEmbeddingGoldens, writeEmbeddingFolder } from "./embedding-folder.ts";
import { decodeFloats } from "./golden.ts";

const { texts, cases } = readEmbeddingGoldens();

/** Expects vectors `[N, dimensions]` to agree one by one. */
const expectSameVectors = (actual: Float32Array, expected: Float32Array, dimensions: number): void => {
  expect(actual.length).toBe(expected.length);
  for (let start = 0; start < expected.length; start += dimensions) {
    const [got, wanted] = [
      actual.subarray(start, start + dimensions),
      expected.subarray(start, start + dimensions),
    ];
    expect(rowDifference(got, wanted), `vector ${start / dimensions}`).toBeLessThanOrEqual(TOLERANCE);
  }
};

const describeCase = (golden: EmbeddingCase): void => {
  let folder: string;
  let loaded: LoadedEmbedder;
  beforeAll(async () => {
    folder = writeEmbeddingFolder(golden);
    loaded = await loadEmbedder(folder, { device, exact: true });
  });
  afterAll(() => {
    loaded?.embedder.dispose();
    rmSync(folder, { recursive: true });
  });

  it("has nothing to warn of", () => {
    expect(loaded.warnings).toEqual([]);
  });

  it.each(golden.runs)(
    "gives sentence-transformers' vectors: $name",
    async ({ options, dimensions, vectors }) => {
      const { prompt: _, ...own } = options;
      const given = await loaded.embedder.embed({ texts, ...own });
      expect(given.dimensions).toBe(dimensions);
      expectSameVectors(given.vectors, decodeFloats(vectors), dimensions);
    },
  );

  it("gives each text alone what it gives it among others", async () => {
    const options = golden.runs[0]?.options ?? {};
    const together = await loaded.embedder.embed({ texts, ...options });
    for (const [i, text] of texts.entries()) {
      const { vectors, dimensions } = await loaded.embedder.embed({ texts: [text], ...options });
      expectSameVectors(vectors, together.vectors.subarray(i * dimensions, (i + 1) * dimensions), dimensions);
    }
  });
};

describe.each(cases.map((golden) => [golden.name, golden] as const))("%s", (_, golden) =>
  describeCase(golden),
);
