/** Builds a golden's model with generated weights and runs it as the golden says. */

import { createHash } from "node:crypto";
import * as mx from "../../src/core/index.ts";
import { createModel, type LanguageModel } from "../../src/models/index.ts";
import type { GoldenCase, GoldenRun } from "./golden.ts";
import { randomTensor } from "./random-weights.ts";

/** The float32 model of a golden with its weights, and the SHA-256 over their names, shapes and bytes. */
export async function buildModel(
  golden: GoldenCase,
): Promise<{ model: LanguageModel; weightsSha256: string }> {
  const model = await createModel(golden.config);
  const digest = createHash("sha256");
  const weights = new Map<string, mx.MxArray>();
  const shapes = [...model.parameters()]
    .filter(([name]) => !(golden.tied && /(^|\.)lm_head\./.test(name)))
    .map(([name, { shape }]) => ({ name, shape }));
  for (const { name, shape } of shapes.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const values = randomTensor(golden.seed, name, shape, golden.normCenter);
    digest.update(`${name} ${shape.join(",")}\n`).update(new Uint8Array(values.buffer));
    weights.set(name, mx.array(values, mx.float32, shape));
  }
  model.loadWeights(weights, { strict: true });
  return { model, weightsSha256: digest.digest("hex") };
}

/** Logits `[B, L, V]` of a run, one forward per chunk. */
export function runModel(
  model: LanguageModel,
  { tokens, chunks, cached }: Omit<GoldenRun, "name" | "logits">,
) {
  return mx.tidy(() => {
    const cache = cached ? model.makeCache() : undefined;
    let start = 0;
    const outputs = chunks.map((size) => {
      const ids = tokens.map((row) => row.slice(start, start + size));
      start += size;
      const logits = model.forward(mx.array(ids, mx.int32), cache === undefined ? {} : { cache });
      mx.evaluate(logits);
      return logits;
    });
    const logits = mx.concatenate(outputs, 1);
    return { shape: logits.shape, values: logits.toTypedArray() as Float32Array };
  });
}
