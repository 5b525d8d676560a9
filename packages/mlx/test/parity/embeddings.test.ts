import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoadedEmbedder, loadEmbedder } from "../../src/embedding/index.ts";
import { device } from "../device.ts";
import { rowDifference, TOLERANCE } from "./compare-logits.ts";
import {
  type EmbeddingCase,
  type FolderChanges,
  readEmbeddingGoldens,
  writeEmbeddingFolder,
} from "./embedding-folder.ts";
import { decodeFloats } from "./golden.ts";

const { texts, cases } = readEmbeddingGoldens();

/** Relative to the largest number of a vector. */
const CLOSE = device === "gpu" ? TOLERANCE : 1e-5;

/** Expects vectors `[N, dimensions]` to agree one by one. */
const expectSameVectors = (actual: Float32Array, expected: Float32Array, dimensions: number): void => {
  expect(actual.length).toBe(expected.length);
  for (let start = 0; start < expected.length; start += dimensions) {
    const [got, wanted] = [
      actual.subarray(start, start + dimensions),
      expected.subarray(start, start + dimensions),
    ];
    expect(rowDifference(got, wanted), `vector ${start / dimensions}`).toBeLessThanOrEqual(CLOSE);
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

const caseNamed = (name: string): EmbeddingCase => {
  const golden = cases.find((each) => each.name === name);
  if (golden === undefined) throw new Error(`There is no case ${name}`);
  return golden;
};

/** Expects a changed folder to give the vectors of the case's first run. */
const expectVectorsOf = async (golden: EmbeddingCase, changes: FolderChanges): Promise<readonly string[]> => {
  const folder = writeEmbeddingFolder(golden, changes);
  const { embedder, warnings } = await loadEmbedder(folder, { device, exact: true });
  const { vectors, dimensions } = await embedder.embed({ texts });
  expectSameVectors(vectors, decodeFloats(golden.runs[0]?.vectors ?? ""), dimensions);
  embedder.dispose();
  rmSync(folder, { recursive: true });
  return warnings;
};

describe("layouts of repositories", () => {
  const NO_SENTENCE_TRANSFORMERS = {
    "modules.json": undefined,
    "sentence_bert_config.json": undefined,
    "1_Pooling/config.json": undefined,
  };

  it.each<[string, string, FolderChanges]>([
    [
      "a masked language model, with older names",
      "bert cls",
      {
        rename: (name) =>
          `bert.${name}`
            .replace("bert.cls", "cls")
            .replace("Norm.weight", "Norm.gamma")
            .replace("Norm.bias", "Norm.beta"),
        extra: {
          "cls.predictions.bias": [48],
          "pooler.dense.weight": [64, 64],
          "embeddings.position_ids": [1, 64],
        },
      },
    ],
    [
      "a masked language model of the RoBERTa family",
      "xlm-roberta cls",
      {
        rename: (name) => (name.startsWith("lm_head") ? name : `roberta.${name}`),
        extra: { "lm_head.bias": [48], "lm_head.dense.weight": [64, 64] },
      },
    ],
    [
      "a masked language model of ModernBERT",
      "modernbert mean",
      {
        rename: (name) => (/^(head|decoder)/.test(name) ? name : `model.${name}`),
        extra: { "head.dense.weight": [64, 64], "decoder.bias": [48] },
      },
    ],
    [
      "a whole language model",
      "qwen3",
      {
        rename: (name) => (name.startsWith("lm_head") ? name : `model.${name}`),
        extra: { "lm_head.weight": [48, 64] },
      },
    ],
  ])("gives the same vectors: %s", async (_, name, changes) => {
    expect(await expectVectorsOf(caseNamed(name), changes)).toEqual([]);
  });

  it.each(["qwen3", "gemma3"])(
    "takes the usual way, with a warning, where files are missing: %s",
    async (name) => {
      const golden = caseNamed(name);
      // mlx-embeddings puts layers behind the pooling among the model's
      const behind = Object.values(golden.dense).map((shapes, i) => [
        `dense.${i}.weight`,
        shapes["linear.weight"],
      ]);
      const warnings = await expectVectorsOf(golden, {
        files: NO_SENTENCE_TRANSFORMERS,
        rename: (own) => (own.startsWith("dense.") ? own : `model.${own}`),
        extra: Object.fromEntries(behind),
        streamOf: (own) =>
          own.replace(/^dense\.(\d)\.weight$/, (__, i) => `${Number(i) + 2}_Dense/linear.weight`),
      });
      expect(warnings).toEqual([expect.stringContaining("modules.json is missing")]);
    },
  );
});
