import { describe, expect, it } from "vitest";
import { HubError } from "../errors.ts";
import { fnmatch } from "./fnmatch.ts";
import { type FileWish, selectFiles } from "./select-files.ts";

const select = (names: readonly string[], wish: FileWish = {}) => selectFiles(names, wish, "org/name");
const MODEL = ["config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
const GGUF = ["README.md", "m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q4_0.gguf", "mmproj-m-f16.gguf", "m-BF16.gguf"];

function refusal(names: readonly string[], wish: FileWish = {}): HubError {
  try {
    select(names, wish);
  } catch (error) {
    if (error instanceof HubError) return error;
  }
  throw new Error("expected a HubError");
}

describe("selectFiles", () => {
  it("takes what mlx-lm takes, and layers of sentence-transformers, but no code and no other weights", () => {
    const others = [
      "modeling.py",
      "pytorch_model.bin",
      "consolidated.safetensors",
      "sub/model.safetensors",
      "x.gguf",
    ];
    const taken = [
      "tokenizer.json",
      "merges.txt",
      "chat_template.jinja",
      "tokenizer.model",
      "sub/1_Pooling.json",
      "2_Dense/model.safetensors",
    ];
    expect(select([...MODEL, ...others, ...taken]).files).toEqual([...MODEL, ...taken]);
  });

  it("takes the preferred quantization where there is GGUF alone, and says so", () => {
    const selection = select(GGUF);
    expect(selection).toMatchObject({ gguf: "m-Q4_K_M.gguf", files: ["m-Q4_K_M.gguf"] });
    expect(selection.warnings).toEqual([expect.stringContaining("took m-Q4_K_M.gguf")]);
  });

  it("takes the only GGUF without a word, whatever its name", () => {
    expect(select(["odd.gguf", "mmproj-odd.gguf"])).toEqual({
      gguf: "odd.gguf",
      files: ["odd.gguf"],
      warnings: [],
    });
  });

  it.each([
    ["q8_0", "m-Q8_0.gguf"],
    ["Q4_K_M", "m-Q4_K_M.gguf"],
    ["BF16", "m-BF16.gguf"],
  ])("takes the quantization %s", (quant, file) => {
    expect(select([...MODEL, ...GGUF], { quant })).toEqual({ gguf: file, files: [file], warnings: [] });
  });

  it.each(["Q4", "Q4_K", "F16", "Q", ".*"])("does not take the quantization %s for another", (quant) => {
    expect(refusal(GGUF, { quant }).message).toMatch(/no .gguf file for .* It has: org\/name\/m-/);
  });

  it("takes every part of a model, and none when one is missing", () => {
    const parts = [1, 2, 3].map((part) => `Q4_K_M/m-Q4_K_M-0000${part}-of-00003.gguf`);
    const names = [...parts].reverse();
    expect(select(names, { quant: "Q4_K_M" })).toEqual({ gguf: parts[0], files: parts, warnings: [] });
    expect(select(names, { ggufFile: parts[1] }).files).toEqual(parts);
    expect(refusal(names.slice(1)).code).toBe("model-not-found");
  });

  it("asks when several files fit", () => {
    const { message, details } = refusal(["a-Q4_0.gguf", "b-Q4_0.gguf"], { quant: "Q4_0" });
    expect(message).toContain("more than one");
    expect(details.choices).toEqual(["org/name/a-Q4_0.gguf", "org/name/b-Q4_0.gguf"]);
    expect(refusal(["a.gguf", "b.gguf"]).message).toContain("Name one");
  });

  it("names what there is instead of weights", () => {
    expect(refusal(["config.json", "pytorch_model.bin"]).message).toContain("pytorch_model.bin");
    expect(refusal(["a"], { patterns: ["*.b"] }).message).toContain("matches *.b");
    expect(refusal([]).code).toBe("model-not-found");
  });

  it("never shows terminal escapes of a server", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach a terminal
    expect(refusal(["\u001b[31mred.bin\u009b"]).message).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  });
});

describe("fnmatch", () => {
  it.each([
    ["a/b.json", "*.json", true],
    ["a.jsonl", "*.json", false],
    ["A.JSON", "*.json", false],
    ["model.x", "model?x", true],
    ["b", "[abc]", true],
    ["b", "[!abc]", false],
    ["]", "[]]", true],
    ["[x", "[x", true],
    ["sub/x/y", "sub/", true],
    ["a.b", "a+b", false],
    ["a\nb", "a*b", true],
  ])("%j and %j: %s", (name, pattern, matches) => {
    expect(fnmatch(name, pattern)).toBe(matches);
  });
});
