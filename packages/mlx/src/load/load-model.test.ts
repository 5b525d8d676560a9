import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as mx from "../core/index.ts";
import { MlxError } from "../errors.ts";
import { Linear } from "../nn/index.ts";
import { type LoadModelOptions, loadModel } from "./load-model.ts";

const goldens = fileURLToPath(new URL("../../test/goldens/checkpoints/", import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "abstractllm-load-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of a checkpoint with its config changed; undefined removes a key. */
const model = (name: string, changes: Record<string, unknown> = {}): string => {
  const path = join(folder, name);
  cpSync(join(goldens, name), path, { recursive: true });
  const file = join(path, "config.json");
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...changes }));
  return path;
};

const load = (path: string, options: LoadModelOptions = {}) =>
  loadModel(path, { device: "cpu", tokenizer: false, ...options });

const errorOf = async (path: string, options?: LoadModelOptions): Promise<MlxError> => {
  const error = await load(path, options).then(
    () => new Error("loaded"),
    (e: unknown) => e,
  );
  if (!MlxError.isInstance(error)) throw error;
  return error;
};

const LLAMA = "llama-bf16-sharded";

describe("loadModel", () => {
  it("believes the arrays of a layer rather than the config's standard", async () => {
    const layerBits = async (quantization: object) => {
      const { model: loaded } = await load(model("qwen2-4bit", { quantization }));
      const bits = [...loaded.namedModules()].map(([, m]) =>
        m instanceof Linear ? m.quantization?.bits : 4,
      );
      loaded.dispose();
      return new Set(bits);
    };
    expect(await layerBits({ group_size: 64, bits: 8 })).toEqual(new Set([4]));
  });

  it("loads, and frees all of it again", async () => {
    const before = mx.liveArrays();
    const loaded = await load(model(LLAMA));
    expect(loaded.quantization).toBeUndefined();
    expect(loaded.warnings).toEqual([]);
    expect(loaded.weightBytes).toBeGreaterThan(1000);
    loaded.model.dispose();
    expect(mx.liveArrays()).toBe(before);
  });

  it("keeps dense matrices as they are stored, and computes in float32", async () => {
    const { model: loaded } = await load(model(LLAMA));
    const dtypes = [...loaded.parameters().values()].filter((p) => p.ndim > 1).map((p) => p.dtype);
    expect(new Set(dtypes)).toEqual(new Set([mx.bfloat16]));
    mx.tidy(() => {
      const logits = loaded.forward(mx.array([[1, 2, 3]], mx.int32));
      expect(logits.dtype).toBe(mx.float32);
      loaded.mapParameters((p) => p.astype(mx.float32));
      expect(logits.toArray()).toEqual(loaded.forward(mx.array([[1, 2, 3]], mx.int32)).toArray());
    });
    loaded.dispose();
  });

  it("reports config keys that it ignored", async () => {
    const { warnings } = await load(model(LLAMA, { use_magic: true }));
    expect(warnings).toEqual(["config.json: the key use_magic is not known and was ignored"]);
  });

  it.each([
    [true, { bits: 4, groupSize: 64, mode: "affine" }],
    [
      { bits: 8, groupSize: 32 },
      { bits: 8, groupSize: 32, mode: "affine" },
    ],
    [{ mode: "mxfp4" as const }, { bits: 4, groupSize: 32, mode: "mxfp4" }],
  ])("quantizes a dense checkpoint by %o", async (quantize, expected) => {
    expect((await load(model(LLAMA), { quantize })).quantization).toEqual(expected);
  });

  it("refuses to quantize by what MLX does not have", async () => {
    const error = await errorOf(model(LLAMA), { quantize: { bits: 7 } });
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toContain("groups of 64 and 7 bits");
  });
});

describe("a load that fails", () => {
  const cases: [string, () => string, string, string][] = [
    ["there is nothing", () => join(folder, "nowhere"), "model-not-found", "There is no model at "],
    [
      "the path is some file",
      () => {
        writeFileSync(join(folder, "model.bin"), "x");
        return join(folder, "model.bin");
      },
      "model-not-found",
      "Expected a model folder or a .gguf file but received the file ",
    ],
    [
      "a folder named like a GGUF file holds none",
      () => {
        mkdirSync(join(folder, "x.gguf"));
        return join(folder, "x.gguf");
      },
      "weights",
      "x.gguf",
    ],
    [
      "config.json is missing",
      () => {
        const path = model(LLAMA);
        rmSync(join(path, "config.json"));
        return path;
      },
      "config",
      "has no config.json: it is not a model folder",
    ],
    [
      "config.json is no JSON",
      () => {
        const path = model(LLAMA);
        writeFileSync(join(path, "config.json"), '{"hidden_size": ');
        return path;
      },
      "config",
      "config.json is not valid JSON",
    ],
    [
      "config.json is a list",
      () => {
        const path = model(LLAMA);
        writeFileSync(join(path, "config.json"), "[]");
        return path;
      },
      "config",
      "expected an object",
    ],
    [
      "a key is missing",
      () => model(LLAMA, { hidden_size: undefined }),
      "config",
      "the key hidden_size is missing",
    ],
    ["a key is null", () => model(LLAMA, { vocab_size: null }), "config", "the key vocab_size is missing"],
    [
      "a key has the wrong type",
      () => model(LLAMA, { hidden_size: "64" }),
      "config",
      'for hidden_size but received "64"',
    ],
    [
      "the architecture is unknown",
      () => model(LLAMA, { model_type: "lamma" }),
      "unsupported-architecture",
      "llama",
    ],
    [
      "it is quantized by another method",
      () => model(LLAMA, { quantization_config: { quant_method: "bitsandbytes" } }),
      "config",
      "method bitsandbytes",
    ],
    [
      "the config promises another size",
      () => model(LLAMA, { intermediate_size: 64 }),
      "weights",
      "(expected [64,64], got [128,64])",
    ],
    [
      "the config promises another layer",
      () => model(LLAMA, { num_hidden_layers: 2 }),
      "weights",
      "missing: model.layers.1.",
    ],
    [
      "the config leaves a layer out",
      () => model(LLAMA, { num_hidden_layers: 0 }),
      "weights",
      "unexpected: model.layers.0.",
    ],
    [
      "a shard is missing",
      () => {
        const path = model(LLAMA);
        rmSync(join(path, "model-00002-of-00002.safetensors"));
        return path;
      },
      "weights",
      "model-00002-of-00002.safetensors",
    ],
    [
      "there are no weights",
      () => {
        const path = model("phi3-f16");
        rmSync(join(path, "model.safetensors"));
        return path;
      },
      "weights",
      "safetensors",
    ],
  ];

  it.each(cases)("says what is wrong when %s, and keeps nothing", async (_, make, code, message) => {
    const path = make();
    const before = mx.liveArrays();
    const error = await errorOf(path);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(mx.liveArrays()).toBe(before);
  });

  it("says that the tokenizer is missing before it reads weights", async () => {
    const error = await errorOf(model(LLAMA), { tokenizer: true });
    expect(error.code).toBe("tokenizer");
  });
});
