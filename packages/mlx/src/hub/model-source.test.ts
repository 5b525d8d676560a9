import { describe, expect, it } from "vitest";
import { parseModelSource } from "./model-source.ts";

describe("parseModelSource", () => {
  it.each([
    "/models/x",
    "./x",
    "../x",
    ".models/x",
    ".setup/models/x.gguf",
    "~/x",
    "~",
    ".",
    "..",
    "C:\\models\\x",
    "C:/models/x",
    "a\\b",
    "model.gguf",
  ])("%s is a path", (path) => {
    expect(parseModelSource(path)).toEqual({ kind: "path", path });
  });

  it.each([
    ["org/name", { repo: "org/name" }],
    ["gpt2", { repo: "gpt2" }],
    ["CON", { repo: "CON" }],
    ["org/name:Q4_K_M", { repo: "org/name", quant: "Q4_K_M" }],
    ["org/name/model.gguf", { repo: "org/name", ggufFile: "model.gguf" }],
    ["org/name/sub/model-Q8_0.GGUF", { repo: "org/name", ggufFile: "sub/model-Q8_0.GGUF" }],
    ["org/name.gguf", undefined],
  ])("%s is a repository", (source, expected) => {
    expect(parseModelSource(source)).toEqual(
      expected ? { kind: "repo", ...expected } : { kind: "path", path: source },
    );
  });

  it.each([
    "",
    "a\0b",
    "a/b/c",
    "a/../../b",
    "org/name:",
    "org/name:a/b",
    "org/name/../x.gguf",
    "org/name/aux.gguf",
    "https://huggingface.co/org/name",
    "hf://org/name",
    `${"x".repeat(300)}/y`,
  ])("%j is neither", (source) => {
    expect(() => parseModelSource(source)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  it.each([
    ["https://huggingface.co/mlx-community/Qwen3-0.6B-4bit/tree/main", "mlx-community/Qwen3-0.6B-4bit"],
    ["https://huggingface.co", "org/name"],
    ["hf://mlx-community/x", "org/name"],
  ])("says what to write instead of %s", (source, id) => {
    expect(() => parseModelSource(source)).toThrow(`such as "${id}", not a URL`);
  });
});
