import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { array, bfloat16, type Dtype, float16, float32, int32, tidy } from "../../src/core/index.ts";
import { createModel, type LanguageModel, modelTypes, resolveArchitecture } from "../../src/models/index.ts";
import { quantize } from "../../src/nn/index.ts";
import { controls } from "../kernels/kernel-controls.ts";
import { expectSameLogits } from "./compare-logits.ts";
import { decodeFloats, type GoldenCase, type GoldenRun, readModelGoldens } from "./golden.ts";
import { buildModel, runModel } from "./run-model.ts";
import { kindsOf, makeCheckpoint, sanitizedSha256 } from "./sanitize-checkpoint.ts";
import { readVisionGoldens } from "./vision-golden.ts";

const vocabSize = (golden: GoldenCase): number => Number(golden.config.vocab_size);

const takesPadding = (model: LanguageModel): boolean => model.makeBatchCache([0, 11]) !== undefined;

/** The cached runs of one model against its plain forward, over a prompt long enough to wrap every window. */
function describeAgreement(golden: GoldenCase, get: () => LanguageModel): void {
  const tokens = Array.from({ length: 37 }, (_, i) => (i * 29 + 3) % vocabSize(golden));
  const other = tokens.map((token) => (token * 7 + 1) % vocabSize(golden));
  const plain = (rows: number[][]) =>
    runModel(get(), { tokens: rows, chunks: [rows[0]?.length ?? 0], cached: false }).values;

  it.each([
    ["one prefill and steps", [30, 1, 1, 1, 1, 1, 1, 1]],
    ["single steps from the start", tokens.map(() => 1)],
    ["uneven chunks", [1, 2, 17, 5, 12]],
  ])("gives the same logits in %s as without a cache", (_, chunks) => {
    const cached = runModel(get(), { tokens: [tokens], chunks, cached: true }).values;
    expectSameLogits(cached, plain([tokens]), vocabSize(golden));
  });

  it("gives the last position the same logits where only these are wanted", () => {
    const V = vocabSize(golden);
    tidy(() => {
      const logits = get()
        .forward(array([tokens], int32), { lastOnly: true })
        .astype(float32);
      const values = logits.toTypedArray() as Float32Array;
      expectSameLogits(values.subarray(-V), plain([tokens]).subarray(-V), V);
    });
  });

  it("gives each row of a batch what it gives the row alone", () => {
    const batch = plain([tokens, other]);
    expectSameLogits(batch.subarray(0, batch.length / 2), plain([tokens]), vocabSize(golden));
    expectSameLogits(batch.subarray(batch.length / 2), plain([other]), vocabSize(golden));
  });

  it("gives rows of different lengths in one batch what it gives each alone, or takes none", () => {
    const [short, padding] = [other.slice(11), 11];
    if (!takesPadding(get())) return;
    const run = {
      tokens: [tokens, [...Array(padding).fill(7), ...short]],
      chunks: [20, 9, 1, 1, 1, 1, 1, 1, 1, 1],
    };
    const batch = runModel(get(), { ...run, cached: true, leftPadding: [0, padding] }).values;
    const V = vocabSize(golden);
    expectSameLogits(batch.subarray(0, batch.length / 2), plain([tokens]), V);
    expectSameLogits(batch.subarray(batch.length / 2 + padding * V), plain([short]), V);
  });
}

/** What is in the names of cases whose runs with and without a cache differ, in Python as well. */
const cachedDiffers = [
  "dynamic past context", // the base frequency moves with the length, so keys in a cache keep an older one
  "narrow window", // PLaMo 3 lets a position see one position more than its caches keep
];

function describeCase(golden: GoldenCase): void {
  let model: LanguageModel;
  let weightsSha256: string;
  beforeAll(async () => {
    ({ model, weightsSha256 } = await buildModel(golden));
  });
  afterAll(() => model?.dispose());

  it("has the parameters of Python's model", () => {
    expect(weightsSha256).toBe(golden.weightsSha256);
  });

  it("knows every key of the config", async () => {
    expect((await resolveArchitecture(golden.config)).unknownKeys).toEqual([]);
  });

  it.each(golden.runs)("agrees with Python mlx-lm: $name", (run) => {
    expectSameLogits(runModel(model, run).values, decodeFloats(run.logits), vocabSize(golden));
  });

  it.skipIf(golden.padded === null)(
    `agrees with Python mlx-lm: padded batch${golden.padded === null ? ` (Python has none: ${golden.paddingProblem})` : ""}`,
    () => {
      const run = golden.padded as GoldenRun;
      expectSameLogits(runModel(model, run).values, decodeFloats(run.logits), vocabSize(golden));
    },
  );

  it.each([float16, bfloat16])("computes in the dtype of its weights: $name", async (dtype) => {
    expect(await logitsDtype(golden, dtype)).toBe(golden.float32Logits === true ? float32 : dtype);
  });

  it.each(golden.checkpoints ?? [])(
    "fits the weights of a repository as Python does: $layout",
    async (checkpoint) => {
      const { sanitize } = await resolveArchitecture(golden.config);
      tidy(() => {
        const sanitized = sanitize(makeCheckpoint(golden, checkpoint));
        expect(kindsOf(sanitized)).toEqual(checkpoint.sanitized);
        expect(sanitizedSha256(sanitized)).toBe(checkpoint.sha256);
      });
    },
  );

  if (!cachedDiffers.some((name) => golden.name.includes(name))) describeAgreement(golden, () => model);
}

/** The dtype of logits, from the graph alone: not every operation can run at half precision on a CPU. */
async function logitsDtype(golden: GoldenCase, dtype: Dtype): Promise<Dtype> {
  const model = await createModel(golden.config);
  model.castFloating(dtype);
  const result = tidy(() => {
    const cache = model.makeCache();
    model.forward(array([[1, 2, 3]], int32), { cache });
    return { dtype: model.forward(array([[4]], int32), { cache }).dtype };
  });
  model.dispose();
  return result.dtype;
}

/** Names of cases in which the last bit of a sum decides what is chosen: norms of 1e-7 more give other logits. */
const nearTies = ["window and rows, 4 bits in groups of 32"];

function describeQuantized(
  name: string,
  golden: GoldenCase,
  { bits, groupSize, runs }: GoldenCase["quantized"][number],
): void {
  let model: LanguageModel;
  beforeAll(async () => {
    if (nearTies.includes(name)) controls.setCpuLevel("scalar"); // which sums in the same order on all processors
    ({ model } = await buildModel(golden));
    quantize(model, { bits, groupSize }, (path) => model.quantizationOf(path));
  });
  afterAll(() => {
    model?.dispose();
    controls.setCpuLevel(controls.cpuFeatures());
  });

  it.each(runs)("agrees with Python mlx-lm: $name", (run) => {
    expectSameLogits(runModel(model, run).values, decodeFloats(run.logits), vocabSize(golden));
  });
}

const registered = new Set(modelTypes());

describe.each(readModelGoldens())("$architecture", ({ architecture, cases }) => {
  it("is registered", () => expect(registered.has(architecture)).toBe(true));
  for (const golden of cases) {
    describe(golden.name, () => describeCase(golden));
    for (const quantized of golden.quantized) {
      const name = `${golden.name}, ${quantized.bits} bits in groups of ${quantized.groupSize}`;
      describe(name, () => describeQuantized(name, golden, quantized));
    }
  }
});

it("every registered architecture has a golden", () => {
  const goldens = new Set(
    [...readModelGoldens(), ...readVisionGoldens()].flatMap(({ cases }) =>
      cases.map(({ config }) => config.model_type),
    ),
  );
  expect([...registered].filter((name) => !goldens.has(name))).toEqual([]);
});

it("batches rows of different lengths, except where chunks or blocks start at a row's first token", async () => {
  const refusing = new Set<string>();
  for (const { architecture, cases } of readModelGoldens()) {
    for (const { config } of cases) {
      const model = await createModel(config);
      if (!takesPadding(model)) refusing.add(architecture);
      model.dispose();
    }
  }
  expect([...refusing]).toEqual(["deepseek_v41", "llama4", "minimax_m3_vl"]);
});
