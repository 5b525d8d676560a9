import { rmSync } from "node:fs";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AdapterContent, contentOf, writeAdapter } from "../../../test/parity/adapter-folder.ts";
import * as mx from "../../core/index.ts";
import { createModel, type LanguageModel } from "../../models/index.ts";
import { type Linear, quantize } from "../../nn/index.ts";
import type { Adapter } from "./adapter.ts";
import { openAdapter } from "./open-adapter.ts";
import { checkStack, type StackPart, stackAdapters } from "./stack-adapters.ts";

const config = {
  model_type: "llama",
  hidden_size: 64,
  num_hidden_layers: 1,
  intermediate_size: 64,
  num_attention_heads: 2,
  rms_norm_eps: 1e-5,
  vocab_size: 12,
};

const [Q, V, DOWN, NORM] = ["self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj", "input_layernorm"].map(
  (name) => `model.layers.0.${name}`,
) as [string, string, string, string];

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

let model: LanguageModel;
let opened: Adapter[];
beforeEach(async () => {
  model = await createModel(config);
  opened = [];
});
afterEach(() => {
  for (const adapter of opened) adapter.dispose();
  model.dispose();
});

const open = (content: AdapterContent): Adapter => {
  const folder = writeAdapter(content);
  folders.push(folder);
  const adapter = openAdapter({ model, config, exact: true }, folder);
  opened.push(adapter);
  return adapter;
};

const lora = (seed: number, rank: number, paths: readonly string[]): Adapter => {
  const shapes = paths.flatMap((path) => [
    [`${path}.lora_a`, [64, rank]],
    [`${path}.lora_b`, [rank, 64]],
  ]);
  const settings = { fine_tune_type: "lora", lora_parameters: { rank, scale: 0.7 } };
  return open(contentOf({ seed, config: settings, tensors: Object.fromEntries(shapes) }));
};

const dora = (seed: number, path: string): Adapter => {
  const tensors = { [`${path}.lora_a`]: [64, 2], [`${path}.lora_b`]: [2, 64], [`${path}.m`]: [64] };
  const settings = { fine_tune_type: "dora", lora_parameters: { rank: 2, scale: 0.7 } };
  return open(contentOf({ seed, config: settings, tensors }));
};

const part = (adapter: Adapter, scale = 1): StackPart => ({
  name: `a${opened.indexOf(adapter)}`,
  adapter,
  scale,
});

const logits = (): number[] =>
  mx.tidy(() => {
    const all = model.forward(mx.array([[3, 1, 4, 1, 5]], mx.int32), { cache: model.makeCache() });
    return Array.from(all.astype(mx.float32).toTypedArray(), Number);
  });

/** What an adapter adds to a matrix, `[N, K]`. */
const addedBy = (adapter: Adapter, path: string): mx.MxArray | undefined => {
  adapter.apply();
  const { update } = new Map(model.namedModules()).get(path) as Linear;
  const added = update && mx.swapaxes(mx.matmul(update.down, update.up), -1, -2);
  adapter.remove();
  return added;
};

const expectClose = (actual: readonly number[], expected: readonly number[]): void => {
  for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i] ?? Number.NaN, 4);
};

describe("adapters at once", () => {
  it.each([undefined, 4, 8])("are the sum of what each adds, by its scale: %s bits", (bits) => {
    const parts = [part(lora(1, 2, [Q, V]), 0.5), part(lora(2, 3, [Q, DOWN]), -1.5), part(lora(3, 1, [V]))];
    const sums = [Q, V, DOWN].map((path) => {
      const added = parts.flatMap(({ adapter, scale }) => addedBy(adapter, path)?.multiply(scale) ?? []);
      return [path, added] as const;
    });
    if (bits !== undefined) quantize(model, { bits, groupSize: 64 });
    const plain = logits();
    const stack = stackAdapters(model, parts);
    stack.apply();
    expect(stack.isApplied).toBe(true);
    const together = logits();
    stack.dispose();
    expect(logits()).toEqual(plain);

    const modules = new Map(model.namedModules());
    for (const [path, added] of sums) {
      const layer = modules.get(path) as Linear;
      const sum = added.reduce((a, b) => a.add(b));
      layer.update = { up: mx.swapaxes(sum, -1, -2), down: mx.eye(64, 64, 0, mx.float32) };
    }
    expectClose(together, logits());
    for (const [path] of sums) (modules.get(path) as Linear).update = undefined;
  });

  it("keep what only one of them changes as it is, DoRA and whole parameters too", () => {
    const norm = { shape: [64], data: new Float32Array(64).fill(0.5) };
    const full = open({ config: { fine_tune_type: "full" }, tensors: { [`${NORM}.weight`]: norm } });
    const parts = [part(lora(1, 2, [Q]), 2), part(dora(2, V)), part(full)];
    checkStack(parts);
    const stack = stackAdapters(model, parts);
    stack.apply();
    const modules = new Map(model.namedModules());
    const gains = (path: string) => (modules.get(path) as Linear).update?.gains;
    expect([gains(Q), gains(V)]).toEqual([undefined, expect.anything()]);
    expect(model.parameters().get(`${NORM}.weight`)?.toTypedArray()[0]).toBe(0.5);
    stack.dispose();
    parts[1]?.adapter.apply(); // its arrays are still its own
    expect(logits().every(Number.isFinite)).toBe(true);
  });

  it("hold nothing once they are disposed", () => {
    const parts = [part(lora(1, 2, [Q])), part(lora(2, 2, [Q, V]))];
    const before = mx.liveArrays();
    const stack = stackAdapters(model, parts);
    expect(mx.liveArrays()).toBeGreaterThan(before);
    stack.dispose();
    expect(mx.liveArrays()).toBe(before);
  });
});

describe("refused are", () => {
  it("scales of what is more than LoRA", () => {
    const parts = [part(dora(1, Q), 0.5)];
    expect(() => checkStack(parts)).toThrow(`The adapter a0 is more than LoRA at ${Q}`);
  });

  it("others in a layer that DoRA changes", () => {
    const parts = [part(lora(1, 2, [Q, V])), part(dora(2, V))];
    expect(() => checkStack(parts)).toThrow(
      expect.objectContaining({ code: "unsupported-feature", message: expect.stringContaining(V) }),
    );
  });
});
