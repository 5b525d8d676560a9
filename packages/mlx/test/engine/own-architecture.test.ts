import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEngine } from "@abstractllm/mlx";
import { afterAll, beforeAll, expect, it } from "vitest";
import { device } from "../device.ts";
import { randomTensor } from "../parity/random-weights.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const module = fileURLToPath(new URL("./mixerless-architecture.mjs", import.meta.url));
const V = 16;
const E = 32;

const shapes: Record<string, number[]> = {
  "model.embed_tokens.weight": [V, E],
  "model.layers.0.norm.weight": [E],
  "model.layers.0.mlp.gate_proj.weight": [2 * E, E],
  "model.layers.0.mlp.up_proj.weight": [2 * E, E],
  "model.layers.0.mlp.down_proj.weight": [E, 2 * E],
  "model.norm.weight": [E],
};

const tokenizer = {
  model: {
    type: "WordLevel",
    unk_token: "w0",
    vocab: Object.fromEntries(Array.from({ length: V }, (_, i) => [`w${i}`, i])),
  },
  pre_tokenizer: { type: "Whitespace" },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mixerless-"));
  const config = { model_type: "mixerless", hidden_size: E, num_hidden_layers: 1, vocab_size: V };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  const tensors = Object.entries(shapes).map(([name, shape]) => [
    name,
    { shape, data: randomTensor(1, name, shape) },
  ]);
  writeSafetensors(join(folder, "model.safetensors"), Object.fromEntries(tensors));
});
afterAll(() => rmSync(folder, { recursive: true }));

it("runs an architecture that a module of the user's registers", async () => {
  const engine = await startEngine({ device, modules: [module] });
  const model = await engine.load({ path: folder });
  let text = "";
  for await (const part of model.generate({ prompt: "w3 w5", maxTokens: 4 }))
    if (part.type === "text-delta") text += part.text;
  expect(text).toMatch(/^w\d/);
  await engine.dispose();
});

it("names near architectures and the way to add one where it is not registered", async () => {
  const engine = await startEngine({ device });
  await expect(engine.load({ path: folder })).rejects.toMatchObject({
    code: "unsupported-architecture",
    message: expect.stringMatching(/mixerless.*Near: .*registerArchitecture/),
  });
  await engine.dispose();
});

it("rejects a module that is not there", async () => {
  await expect(startEngine({ modules: ["/no/such/module.js"] })).rejects.toMatchObject({
    code: "invalid-argument",
  });
});

it("rejects a number of threads that cannot be", async () => {
  await expect(startEngine({ threads: 0 })).rejects.toMatchObject({ code: "invalid-argument" });
});
