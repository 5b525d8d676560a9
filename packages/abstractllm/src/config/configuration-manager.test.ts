import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { InvalidParameterError } from "../errors/index.ts";
import type { LLMConfigInput } from "../interface/llm-config.ts";
import { ModelParameter } from "../interface/model-parameter.ts";
import { ConfigurationManager } from "./configuration-manager.ts";
import { OPTION_TABLE } from "./option-table.ts";

function refusal(work: () => unknown): InvalidParameterError {
  try {
    work();
  } catch (error) {
    if (InvalidParameterError.isInstance(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("layers", () => {
  test("let the call win over config, config over environment, environment over defaults", () => {
    const manager = new ConfigurationManager(
      { temperature: 3 / 4 },
      {
        defaults: { temperature: 0.1, topP: 0.1, topK: 1, maxTokens: 1 },
        environment: { temperature: 0.2, topP: 0.2 },
      },
    );
    expect(manager.resolveCall({ maxTokens: 9 }).merged).toEqual({
      temperature: 0.75,
      topP: 0.2,
      topK: 1,
      maxTokens: 9,
    });
  });

  test("never leak from one call into the next", () => {
    const manager = new ConfigurationManager({ temperature: 0.5 });
    const { merged } = manager.resolveCall({ temperature: 1, stop: ["x"] });
    merged.seed = 4;
    expect(manager.resolveCall().merged).toEqual({ temperature: 0.5 });
    expect(manager.getConfig()).toEqual({ temperature: 0.5 });
  });

  test("keep what an update does not name, and go back to the default for undefined", () => {
    const manager = new ConfigurationManager({ temperature: 1, topK: 5 }, { defaults: { temperature: 0.7 } });
    manager.updateConfig({ temperature: undefined, seed: 1 });
    expect(manager.getConfig()).toEqual({ temperature: 0.7, topK: 5, seed: 1 });
  });

  test("change nothing when an update is refused", () => {
    const manager = new ConfigurationManager({ temperature: 1 });
    refusal(() => manager.updateConfig({ topK: 3, temperature: 9 }));
    expect(manager.getConfig()).toEqual({ temperature: 1 });
  });

  test("take more defaults beneath the ones there are, also under snake_case", () => {
    const manager = new ConfigurationManager({}, { defaults: { temperature: 0.7 } });
    manager.mergeWithDefaults({ temperature: 0, max_tokens: 5 });
    expect(manager.getConfig()).toEqual({ temperature: 0.7, maxTokens: 5 });
  });
});

describe("names", () => {
  test("are taken in Python's snake_case", () => {
    const manager = new ConfigurationManager({
      max_tokens: 5,
      top_p: 0.5,
      load_in_8bit: true,
      cache_dir: null,
    });
    expect(manager.getConfig()).toEqual({ maxTokens: 5, topP: 0.5, loadIn8bit: true });
    expect(manager.getParam("max_tokens")).toBe(5);
    expect(manager.getParam(ModelParameter.MAX_TOKENS)).toBe(5);
    expect(manager.getParam("seed", 3)).toBe(3);
  });

  test("cover every ModelParameter", () => {
    const parameters = Object.values(ModelParameter);
    expect(parameters).toHaveLength(38);
    expect(parameters.filter((name) => !Object.hasOwn(OPTION_TABLE, name))).toEqual([]);
  });

  test("that mean the same set the same option", () => {
    const manager = new ConfigurationManager({ maxOutputTokens: 5, requestTimeout: 100 });
    expect(manager.getConfig()).toEqual({ maxTokens: 5, timeout: 100 });
    expect(manager.getParam("maxOutputTokens")).toBe(5);
  });

  test.each([
    [{ temprature: 1 }, 'Unknown option "temprature"; did you mean "temperature"?'],
    [{ maxToken: 1 }, 'Unknown option "maxToken"; did you mean "maxTokens"?'],
    [{ top_pp: 1 }, 'Unknown option "top_pp"; did you mean "topP"?'],
    [{ quantise: true }, 'Unknown option "quantise"; did you mean "quantize"?'],
    [{ xyzzyqwertyuiop: 1 }, 'Unknown option "xyzzyqwertyuiop"'],
    [{ constructor: 1 }, "Unknown option"],
  ])("that are unknown are refused with the nearest: %j", (config, message) => {
    expect(refusal(() => new ConfigurationManager(config as LLMConfigInput)).message).toContain(message);
  });

  test("given twice are refused", () => {
    expect(refusal(() => new ConfigurationManager({ maxTokens: 1, max_tokens: 2 })).message).toContain(
      "given twice",
    );
  });

  test("in the wrong place are refused with the right one", () => {
    const manager = new ConfigurationManager({});
    expect(refusal(() => manager.resolveCall({ model: "m" })).message).toContain("belongs to createLLM");
    expect(refusal(() => manager.updateConfig({ files: ["a"] } as LLMConfigInput)).message).toContain(
      "belongs to a call",
    );
  });
});

describe("values", () => {
  test.each([
    [{ temperature: "hot" }, 'Expected number between 0 and 2 for temperature but received string "hot"'],
    [{ temperature: 2.1 }, "Expected number between 0 and 2 for temperature but received number 2.1"],
    [{ temperature: Number.NaN }, "received number NaN"],
    [{ maxTokens: 0 }, "Expected integer of at least 1 for maxTokens but received number 0"],
    [{ maxTokens: 1.5 }, "received number 1.5"],
    [{ topP: 0 }, "Expected number above 0 and up to 1 for topP"],
    [
      { stop: [""] },
      "Expected non-empty string or array of non-empty strings for stop but received array of 1",
    ],
    [{ device: "tpu" }, 'Expected one of "auto", "gpu", "cpu" for device but received string "tpu"'],
    [{ seed: -1 }, "for seed"],
    [{ quantize: { bits: 7 } }, "for quantize"],
    [{ quantize: { bit: 4 } }, "for quantize"],
    [
      { logitBias: { 7: 1, a: 1 } },
      'Expected object of token ids with finite numbers for logitBias but received key string "a"',
    ],
    [{ logitBias: { 7: "x" } }, 'for logitBias but received string "x" for 7'],
    [{ logitBias: [1] }, "for logitBias but received array of 1"],
    [{ adapters: { sql: "" } }, 'for adapters but received string "" for "sql"'],
    [{ capabilities: { visoin: true } }, 'for capabilities but received key string "visoin"'],
    [{ capabilities: { contextWindow: 0 } }, "for capabilities but received number 0 for contextWindow"],
    [{ headers: { "x-a": 5 } }, "for headers but received number for x-a"],
    [{ headers: { "x-a": "b\n" } }, "for headers but received characters that no header can carry for x-a"],
    [{ headers: { "": "b" } }, "for headers but received an empty name"],
    [{ timeout: 2 ** 31 }, "for timeout"],
    [{ promptBits: 12 }, "Expected 8 or 16 for promptBits but received number 12"],
    [{ kvBits: 3 }, "Expected 2, 4 or 8 for kvBits but received number 3"],
    [{ kvGroupSize: "64" }, 'Expected 32, 64 or 128 for kvGroupSize but received string "64"'],
    [{ onProgress: true }, "Expected function for onProgress but received boolean true"],
  ])("that do not fit are refused: %j", (config, message) => {
    expect(refusal(() => new ConfigurationManager(config as LLMConfigInput)).message).toContain(message);
  });

  test("at the limits are taken", () => {
    const config = {
      temperature: 2,
      topP: 1,
      topK: 0,
      minP: 0,
      quantize: { bits: 8, groupSize: 32 },
      stop: "\n",
    };
    expect(new ConfigurationManager(config).getConfig()).toEqual(config);
  });
});

describe("secrets", () => {
  const manager = new ConfigurationManager({ apiKey: "sk-canary", token: "hf-canary", model: "m" });

  test("are readable by name", () => {
    expect(manager.getParam("apiKey")).toBe("sk-canary");
    expect(manager.getConfig().token).toBe("hf-canary");
    expect(manager.resolveCall().merged.apiKey).toBe("sk-canary");
  });

  test("appear in no listing, at any depth", () => {
    for (const shown of [manager, manager.getConfig(), { nested: [manager.resolveCall().merged] }]) {
      const text =
        inspect(shown, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(shown);
      expect(text).not.toContain("canary");
    }
  });

  test("appear in no error", () => {
    const error = refusal(() => new ConfigurationManager({ apiKey: 31415926 } as unknown as LLMConfigInput));
    expect(error.message).toContain(
      "Expected non-empty text of visible ASCII characters for apiKey but received number",
    );
    expect(inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain("31415926");
  });

  test("appear in no error, though they stand where a header's name should", () => {
    const headers = { "Authorization: Bearer canary": "" };
    const { message } = refusal(() => new ConfigurationManager({ headers }));
    expect(message).toMatch(/for headers but received name "Authorization:…"$/);
  });
});
