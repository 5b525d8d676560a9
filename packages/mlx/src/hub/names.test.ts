import { describe, expect, it } from "vitest";
import { checkRepoFile } from "./repo-file.ts";
import { checkRepoId } from "./repo-id.ts";
import { checkRevision, isCommit } from "./revision.ts";

const TRAVERSAL = [
  "../x",
  "a/../../b",
  "/abs",
  "a\0b",
  "C:\\x",
  "x".repeat(300),
  "",
  ".",
  "..",
  "a//b",
  "a\nb",
];

describe("names that become paths", () => {
  it.each(TRAVERSAL)("repository id, revision and file refuse %j", (name) => {
    expect(() => checkRepoId(name)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(() => checkRevision(name)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(() => checkRepoFile(name)).toThrow(expect.objectContaining({ code: "integrity" }));
  });

  it.each(["gpt2", "org/name", "Foo-BAR_foo.bar123", "mlx-community/Qwen3-0.6B-4bit", "x".repeat(96)])(
    "repository id takes %s",
    (id) => {
      expect(checkRepoId(id)).toBe(id);
    },
  );

  it.each(["foo--bar", "a..b", "a.git", "-a", "a-", ".a", "a/b/c", "café", "x".repeat(97), "a b", "a:b"])(
    "repository id refuses %s",
    (id) => {
      expect(() => checkRepoId(id)).toThrow(/org\/name/);
    },
  );

  it.each(["main", "refs/pr/1", "v1.0", "feature/x", "0123abc", "a".repeat(40)])(
    "revision takes %s",
    (name) => {
      expect(checkRevision(name)).toBe(name);
    },
  );

  it.each(["a..b", "a@{1}", "a b", "x.lock", ".hidden", "a/.b", "a~1", "a:b", "end.", "a/"])(
    "revision refuses %s",
    (name) => {
      expect(() => checkRevision(name)).toThrow(/branch, tag or commit/);
    },
  );

  it.each(["CON", "nul.json", "a/AUX", "com1.txt", "lpt9", "x.", "x ", "a:b", "q?", "p|q"])(
    "file refuses %s",
    (name) => {
      expect(() => checkRepoFile(name)).toThrow(/not safe to write/);
    },
  );

  it.each([
    "config.json",
    ".gitattributes",
    "onnx/model_q4.onnx",
    "a b/c.txt",
    "console.json",
    "模型.txt",
    "..x",
    "a..b",
  ])("file takes %s", (name) => {
    expect(checkRepoFile(name)).toBe(name);
  });

  it("only full lower-case hashes are commits", () => {
    expect(isCommit("0123456789abcdef0123456789abcdef01234567")).toBe(true);
    expect(isCommit("0123456789ABCDEF0123456789abcdef01234567")).toBe(false);
    expect(isCommit("0123456")).toBe(false);
  });
});
