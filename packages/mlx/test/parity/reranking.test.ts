import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoadedReranker, loadReranker } from "../../src/reranking/index.ts";
import { device } from "../device.ts";
import { TOLERANCE } from "./compare-logits.ts";
import type { FolderChanges } from "./embedding-folder.ts";
import { decodeFloats } from "./golden.ts";
import {
  caseNamed,
  cases,
  documents,
  query,
  type RerankingCase,
  writeRerankerFolder,
} from "./reranking-goldens.ts";

/** Relative to the largest score. */
const CLOSE = device === "gpu" ? TOLERANCE : 1e-5;

const expectSameScores = (actual: Float32Array, expected: Float32Array): void => {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  const difference = Math.max(...expected.map((score, i) => Math.abs(score - (actual[i] ?? Number.NaN))));
  expect(difference / largest).toBeLessThanOrEqual(CLOSE);
};

const describeCase = (golden: RerankingCase): void => {
  let folder: string;
  let loaded: LoadedReranker;
  beforeAll(async () => {
    folder = writeRerankerFolder(golden);
    loaded = await loadReranker(folder, { device, exact: true });
  });
  afterAll(() => {
    loaded?.reranker.dispose();
    rmSync(folder, { recursive: true });
  });

  it("has nothing to warn of", () => {
    expect(loaded.warnings).toEqual([]);
  });

  it.each(golden.runs)("gives Python's scores: $name", async ({ options, scores }) => {
    const given = await loaded.reranker.rerank({ query, documents, ...options });
    expectSameScores(given.scores, decodeFloats(scores));
  });

  it("gives each document alone what it gives it among others", async () => {
    const options = golden.runs[0]?.options ?? {};
    const { scores: together } = await loaded.reranker.rerank({ query, documents, ...options });
    const alone = await Promise.all(
      documents.map((document) => loaded.reranker.rerank({ query, documents: [document], ...options })),
    );
    expectSameScores(new Float32Array(alone.flatMap(({ scores }) => [...scores])), together);
  });
};

describe.each(cases.map((golden) => [golden.name, golden] as const))("%s", (_, golden) =>
  describeCase(golden),
);

describe("layouts of repositories", () => {
  const WITHOUT_PREFIX = { rename: (name: string) => name.replace(/^(bert|roberta|model)\./, "") };
  const IN_NEWER_FILE = {
    "config_sentence_transformers.json": { activation_fn: "torch.nn.modules.linear.Identity" },
  };

  it.each<[string, string, FolderChanges]>([
    ["names without what is before them", "bert", WITHOUT_PREFIX],
    ["names without what is before them", "xlm-roberta", WITHOUT_PREFIX],
    ["names without what is before them", "modernbert mean", WITHOUT_PREFIX],
    ["a pooler beside the head", "roberta", { extra: { "roberta.pooler.dense.weight": [64, 64] } }],
    ["an activation in a file of its own", "bert logits", { files: IN_NEWER_FILE }],
  ])("give the same scores: %s, %s", async (_, name, changes) => {
    const golden = caseNamed(name);
    const folder = writeRerankerFolder(golden, changes);
    const { reranker, warnings } = await loadReranker(folder, { device, exact: true });
    expect(warnings).toEqual([]);
    const { scores } = await reranker.rerank({ query, documents });
    expectSameScores(scores, decodeFloats(golden.runs[0]?.scores ?? ""));
    reranker.dispose();
    rmSync(folder, { recursive: true });
  });
});
