/** Builds a golden's model with generated weights and runs it as the golden says. */

import { createHash } from "node:crypto";
import type { LayerCache } from "../../src/cache/index.ts";
import * as mx from "../../src/core/index.ts";
import { type LanguageModel, resolveArchitecture } from "../../src/models/index.ts";
import type { GoldenCase, GoldenRun } from "./golden.ts";
import { randomParameter } from "./random-weights.ts";

/** The float32 model of a golden with its weights, and the SHA-256 over their names, shapes and bytes. */
export async function buildModel(
  golden: GoldenCase,
): Promise<{ model: LanguageModel; weightsSha256: string }> {
  const architecture = await resolveArchitecture(golden.config);
  const model = architecture.create();
  const digest = createHash("sha256");
  const weights = new Map<string, mx.MxArray>();
  const own = model.parameters();
  const names = [...own].map(([name, { shape }]): [string, readonly number[]] => [name, shape]);
  const shapes = golden.parameters === undefined ? names : Object.entries(golden.parameters);
  for (const [name, shape] of shapes.sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (golden.tied && /(^|\.)lm_head\./.test(name)) continue;
    const dtype = own.get(name)?.dtype ?? mx.float32;
    const values = randomParameter(golden.seed, name, shape, dtype, golden.normCenter);
    digest.update(`${name} ${shape.join(",")}\n`).update(new Uint8Array(values.buffer));
    weights.set(name, mx.array(values, dtype, shape));
  }
  // ours already, unless they are Python's names
  const fitted = golden.parameters === undefined ? weights : architecture.sanitize(weights);
  model.loadWeights(fitted, { strict: true });
  return { model, weightsSha256: digest.digest("hex") };
}

/** Logits `[B, L, V]` of a run, one forward per chunk; zeros for padding. */
export function runModel(
  model: LanguageModel,
  { tokens, chunks, cached, leftPadding }: Omit<GoldenRun, "name" | "logits">,
) {
  return mx.tidy(() => {
    const cache = cached ? makeCache(model, leftPadding) : undefined;
    let start = 0;
    const outputs = chunks.map((size) => {
      const ids = tokens.map((row) => row.slice(start, start + size));
      start += size;
      const logits = model.forward(mx.array(ids, mx.int32), cache === undefined ? {} : { cache });
      mx.evaluate(logits);
      return logits;
    });
    const logits = mx.concatenate(outputs, 1);
    const values = logits.toTypedArray() as Float32Array;
    const [, L = 0, V = 0] = logits.shape;
    for (const [row, n] of (leftPadding ?? []).entries()) values.fill(0, row * L * V, (row * L + n) * V);
    return { shape: logits.shape, values };
  });
}

function makeCache(model: LanguageModel, leftPadding: readonly number[] | undefined): LayerCache[] {
  if (leftPadding === undefined) return model.makeCache();
  const cache = model.makeBatchCache(leftPadding);
  if (cache === undefined) throw new Error("This model's caches cannot leave out padding");
  return cache;
}
