import { afterEach, describe, expect, it } from "vitest";
import { type MxArray, zeros } from "../core/index.ts";
import { MlxError } from "../errors.ts";
import { Linear } from "../nn/index.ts";
import {
  defineArchitecture,
  field,
  LanguageModel,
  modelTypes,
  registerArchitecture,
  resolveArchitecture,
} from "./index.ts";

const tinyLlama = {
  model_type: "llama",
  hidden_size: 8,
  num_hidden_layers: 1,
  intermediate_size: 16,
  num_attention_heads: 2,
  rms_norm_eps: 1e-5,
  vocab_size: 10,
};

const errorOf = async (config: Record<string, unknown>): Promise<MlxError> => {
  const error = await resolveArchitecture(config).catch((e: unknown) => e);
  if (!MlxError.isInstance(error)) throw new Error(`expected an MlxError but got ${String(error)}`);
  return error;
};

describe("resolveArchitecture", () => {
  it("tells models of one model_type apart by their architectures", async () => {
    const resolve = (architectures: unknown) =>
      resolveArchitecture({ model_type: "bailing_hybrid", kda_lower_bound: -5, architectures });
    expect((await resolve(["BailingMoeV3ForCausalLM"])).unknownKeys).toEqual([]);
    await expect(resolve(["BailingMoeV2_5ForCausalLM"])).rejects.toThrow("hidden_size is missing");
    await expect(resolve(undefined)).rejects.toThrow("hidden_size is missing");
  });

  it("knows the model types it lists", async () => {
    expect(modelTypes()).toEqual([...modelTypes()].sort());
    expect(modelTypes()).toEqual(
      expect.arrayContaining(["llama", "mistral", "qwen2", "qwen3", "gemma2", "phi3"]),
    );
    const { unknownKeys, create } = await resolveArchitecture(tinyLlama);
    expect(unknownKeys).toEqual([]);
    expect(create()).toBeInstanceOf(LanguageModel);
  });

  it.each(["llama", "qwen3", "gemma2", "phi3"])("names a missing key: %s", async (model_type) => {
    expect(await errorOf({ model_type })).toMatchObject({
      code: "config",
      message: expect.stringMatching(/^config.json: the key \w+ is missing$/),
    });
  });

  it("reports keys it does not know", async () => {
    const { unknownKeys } = await resolveArchitecture({ ...tinyLlama, sliding_windows: 5, use_magic: true });
    expect(unknownKeys).toEqual(["sliding_windows", "use_magic"]);
  });

  it("reports keys inside of objects, but none that it adds itself", () => {
    const nested = defineArchitecture({
      config: { inner: field.object({ size: field.int.required() }).required() },
      create: () => {
        throw new Error("not created");
      },
    });
    const raw = { inner: { size: 1, odd: 2 }, rope_parameters: { rope_theta: 5e5, rope_type: "llama3" } };
    expect(nested.bind(raw).unknownKeys).toEqual(["inner.odd"]);
  });

  it.each([
    ["lama", "llama"],
    ["qwen_2", "qwen2"],
    ["Mistral", "mistral"],
    ["gemma3", "gemma3_text"],
    ["phi4", "phi"],
  ])("names %s's neighbours", async (model_type, near) => {
    const error = await errorOf({ model_type });
    expect(error.code).toBe(modelTypes().includes(model_type) ? "config" : "unsupported-architecture");
    if (modelTypes().includes(model_type)) return;
    expect(error.message).toContain(`The architecture ${model_type} is not supported. Near: `);
    expect(error.message.match(/Near: ([^.]*)\./)?.[1]?.split(", ")).toContain(near);
    expect(error.message).toContain("registerArchitecture");
  });

  it.each([undefined, null, 5, ["llama"], {}])(
    "says that model_type is missing when it is %o",
    async (model_type) => {
      expect(await errorOf({ model_type })).toMatchObject({
        code: "config",
        message: "config.json: the key model_type is missing",
      });
    },
  );

  it.each(["__proto__", "constructor", "toString", "../llama", ""])(
    "finds nothing under %j",
    async (model_type) => {
      expect((await errorOf({ model_type })).code).toBe("unsupported-architecture");
    },
  );
});

describe("registerArchitecture", () => {
  class Ours extends LanguageModel {
    head: Linear;
    constructor({ width }: { width: number }) {
      super();
      this.head = new Linear(width, 3);
    }
    get layers() {
      return [this.head];
    }
    forward(tokens: MxArray): MxArray {
      return this.head.forward(zeros([...tokens.shape, 2]));
    }
  }
  const architecture = defineArchitecture({
    config: { width: field.int.default(2) },
    create: (c) => new Ours(c),
  });
  const llama = () => import("./llama.ts");
  afterEach(() => registerArchitecture("llama", llama));

  it("adds an architecture from outside", async () => {
    registerArchitecture("ours-for-tests", async () => ({ architecture }));
    expect(modelTypes()).toContain("ours-for-tests");
    const bound = await resolveArchitecture({ model_type: "ours-for-tests", width: 2, odd: 1 });
    expect(bound.unknownKeys).toEqual(["odd"]);
    expect(bound.create().forward(zeros([1, 4])).shape).toEqual([1, 4, 3]);
  });

  it("replaces one that is there", async () => {
    registerArchitecture("llama", async () => ({ architecture }));
    expect((await resolveArchitecture(tinyLlama)).create()).toBeInstanceOf(Ours);
  });

  it("passes on what loading it throws", async () => {
    registerArchitecture("broken-for-tests", () => Promise.reject(new Error("no such file")));
    await expect(resolveArchitecture({ model_type: "broken-for-tests" })).rejects.toThrow("no such file");
  });
});
