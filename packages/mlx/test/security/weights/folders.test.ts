import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readGguf, readSafetensorsHeader, resolveSafetensors } from "../../../src/weights/index.ts";
import { buildSafetensors, SQUARE } from "./build-safetensors.ts";
import { expectProblem } from "./expect-problem.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weights-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const shard = (name: string, ...tensors: string[]) => {
  const header = Object.fromEntries(
    tensors.map((tensor, i) => [tensor, { ...SQUARE, data_offsets: [16 * i, 16 * i + 16] }]),
  );
  writeFileSync(join(folder, name), buildSafetensors(header, 16 * tensors.length));
};
const index = (weightMap: unknown) =>
  writeFileSync(
    join(folder, "model.safetensors.index.json"),
    typeof weightMap === "string"
      ? weightMap
      : JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap }),
  );
const names = () => resolveSafetensors(folder).map((tensor) => tensor.name);

const FIRST = "model-00001-of-00002.safetensors";
const SECOND = "model-00002-of-00002.safetensors";

describe("model folder", () => {
  it("gives the tensors of a single file", () => {
    shard("model.safetensors", "a", "b");
    expect(resolveSafetensors(folder)).toMatchObject([
      { name: "a", path: join(folder, "model.safetensors"), byteLength: 16 },
      { name: "b", byteLength: 16 },
    ]);
  });

  it("takes every model*.safetensors when there is no index, and no other file", () => {
    shard(FIRST, "a");
    shard(SECOND, "b");
    shard("adapters.safetensors", "c");
    expect(names()).toEqual(["a", "b"]);
  });

  it("takes the shards of the index", () => {
    shard(FIRST, "a");
    shard("other.safetensors", "b");
    shard("model-extra.safetensors", "c");
    index({ a: FIRST, b: "other.safetensors" });
    expect(names()).toEqual(["a", "b"]);
  });

  it("leaves an index alone that belongs to another checkpoint", () => {
    shard("model.safetensors", "a");
    index({ a: FIRST, b: SECOND });
    expect(names()).toEqual(["a"]);
  });

  it("follows symbolic links, as the Hugging Face cache has them", () => {
    mkdirSync(join(folder, "blobs"));
    writeFileSync(join(folder, "blobs", "0123abcd"), buildSafetensors({ a: SQUARE }, 16));
    symlinkSync(join("blobs", "0123abcd"), join(folder, "model.safetensors"));
    expect(names()).toEqual(["a"]);
  });

  it("refuses a missing shard and names it", () => {
    shard(FIRST, "a");
    index({ a: FIRST, b: SECOND });
    expect(expectProblem(names, "missing").message).toContain(`1 of 2 shards are missing ("${SECOND}")`);
  });

  it("refuses an index that disagrees with the shards", () => {
    shard(FIRST, "a");
    shard(SECOND, "b");
    index({ a: FIRST, b: FIRST });
    expectProblem(names, "mismatch");
    index({ a: SECOND, b: FIRST });
    expectProblem(names, "mismatch");
    index({ a: FIRST, b: SECOND, c: SECOND });
    expectProblem(names, "mismatch");
  });

  it("refuses a tensor that two shards have", () => {
    shard(FIRST, "a", "b");
    shard(SECOND, "b");
    expectProblem(names, "duplicate");
    index({ a: FIRST, b: SECOND });
    expectProblem(names, "duplicate");
  });

  it.each([
    "../model.safetensors",
    "/etc/model.safetensors",
    "sub/model.safetensors",
    "..\\model.safetensors",
    "C:model.safetensors",
    "C:\\model.safetensors",
    "model.safetensors\0",
    "model\0.safetensors",
    ".safetensors/..",
    "..",
    "",
    "pytorch_model.bin",
  ])("refuses the shard name %j", (name) => {
    index({ a: name });
    expectProblem(names, "path");
  });

  it.each([
    ["no JSON", "{", "syntax"],
    ["no weight_map", "{}", "field"],
    ["a weight_map that is a list", '{"weight_map":[]}', "field"],
    ["a shard that is a number", '{"weight_map":{"a":1}}', "field"],
    ["two weight_maps", '{"weight_map":{},"weight_map":{}}', "duplicate"],
    ["a tensor listed twice", `{"weight_map":{"a":"${FIRST}","a":"${SECOND}"}}`, "duplicate"],
    ["depth 10,000", `{"weight_map":${"[".repeat(10_000)}`, "field"],
    ["metadata of depth 10,000", `{"metadata":${"[".repeat(10_000)}`, "limit"],
  ] as const)("refuses an index with %s", (_, content, problem) => {
    index(content);
    expectProblem(names, problem);
  });

  it("says how to convert a folder that has pickles only", () => {
    writeFileSync(join(folder, "pytorch_model.bin"), "\x80\x02");
    expect(expectProblem(names, "foreign-format").message).toContain("convert");
    rmSync(join(folder, "pytorch_model.bin"));
    expectProblem(names, "missing");
  });

  it("refuses folders that are none", () => {
    expectProblem(() => resolveSafetensors(join(folder, "absent")), "missing");
    shard("model.safetensors", "a");
    expectProblem(() => resolveSafetensors(join(folder, "model.safetensors")), "unreadable");
  });

  it("refuses links that go in circles, folders and pipes in place of files", () => {
    symlinkSync("model.safetensors", join(folder, "model.safetensors"));
    expectProblem(names, "unreadable");
    rmSync(join(folder, "model.safetensors"));
    mkdirSync(join(folder, "model.safetensors"));
    expectProblem(names, "unreadable");
    rmSync(join(folder, "model.safetensors"), { recursive: true });
    execFileSync("mkfifo", [join(folder, "model.safetensors")]);
    expectProblem(names, "unreadable");
  });
});

describe.each(["model.bin", "model.pt", "model.PTH", "model.pkl", "weights.npz", "model.ckpt"])(
  "%s",
  (name) => {
    it("is refused by its name, whatever it contains", () => {
      writeFileSync(join(folder, name), buildSafetensors({ a: SQUARE }, 16));
      expectProblem(() => readSafetensorsHeader(join(folder, name)), "foreign-format");
      expectProblem(() => readGguf(join(folder, name)), "foreign-format");
    });
  },
);

it("a file that is not there is missing", () => {
  expectProblem(() => readGguf(join(folder, "absent.gguf")), "missing");
});
