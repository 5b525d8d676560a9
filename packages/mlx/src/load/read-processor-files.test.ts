import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { readProcessorFiles } from "./read-processor-files.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "abstractllm-processor-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: object) => writeFileSync(join(folder, name), JSON.stringify(content));

it("reads what there is", () => {
  expect(readProcessorFiles(folder)).toEqual({ model: {}, processor: {}, image: {} });
  write("config.json", { model_type: "llava" });
  write("preprocessor_config.json", { resample: 3 });
  write("processor_config.json", { patch_size: 14 });
  expect(readProcessorFiles(folder)).toEqual({
    model: { model_type: "llava" },
    processor: { patch_size: 14 },
    image: { resample: 3 },
  });
});

it("prefers what transformers 5 nests", () => {
  write("preprocessor_config.json", { resample: 3, do_resize: true });
  write("processor_config.json", { image_processor: { resample: 2 } });
  expect(readProcessorFiles(folder).image).toEqual({ resample: 2, do_resize: true });
});

it("names a file that is no object", () => {
  writeFileSync(join(folder, "processor_config.json"), "[]");
  expect(() => readProcessorFiles(folder)).toThrow(ConfigError);
  expect(() => readProcessorFiles(folder)).toThrow("processor_config.json: expected an object");
});
