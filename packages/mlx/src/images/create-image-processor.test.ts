import { describe, expect, it } from "vitest";
import { ConfigError, ImageError, InvalidArgumentError } from "../errors.ts";
import { createImageProcessor, type ImageProcessor, type ProcessedImage, resample } from "./index.ts";
import { blankImage } from "./rgb-image.ts";

const TEXT_MARKS = ["\uFDD0", "\uFDD1"];

const make = (model_type: string, image: object = {}, processor: object = {}): ImageProcessor =>
  createImageProcessor({ model: { model_type }, image: { ...image }, processor: { ...processor } });

const processed = (prompt: ProcessedImage["prompt"]): ProcessedImage => ({
  arrays: {},
  prompt,
  featureTokens: 1,
});

describe("createImageProcessor", () => {
  it("names a model type that it does not know", () => {
    expect(() => make("bert")).toThrow("Images of the model type bert cannot be prepared");
    expect(() => make("toString")).toThrow("cannot be prepared");
  });

  it.each([
    ["llava", { size: "large" }, "preprocessor_config.json: expected an object for size"],
    ["llava", { resample: 9 }, "preprocessor_config.json: expected a filter of 0 to 5 for resample"],
    ["gemma3", { size: { shortest_edge: 3 } }, "expected height and width for size"],
    ["qwen2_vl", { patch_size: "14" }, "preprocessor_config.json: expected a whole number below 2^31"],
    ["qwen2_vl", { patch_size: 0 }, "preprocessor_config.json: expected a whole number from 1 to 1000000"],
    ["mllama", { max_image_tiles: 1e9 }, "expected a whole number from 1 to 256 for max_image_tiles"],
    ["llava_next", { size: [0, 3] }, "for size[0] but received 0"],
  ])("%s refuses %o", (type, image, message) => {
    expect(() => make(type, image)).toThrow(ConfigError);
    expect(() => make(type, image)).toThrow(message);
  });

  it("refuses means that are not three", () => {
    expect(() => make("llava", { image_mean: [0.5] })).toThrow(ConfigError);
  });
});

describe("a prompt", () => {
  const { expandPrompt, formatContent } = make("qwen2_vl");

  it("gets images where the template wrote placeholders", () => {
    const images = [processed("<one>"), processed([7, 7])];
    expect(expandPrompt("a<|image_pad|>b<|image_pad|>c", images)).toEqual(["a<one>b", [7, 7], "c"]);
  });

  it("keeps a placeholder that a message spells out", () => {
    const marked = TEXT_MARKS.join("<|image_pad|>");
    expect(expandPrompt(`${marked}<|image_pad|>`, [processed("<one>")])).toEqual([`${marked}<one>`]);
  });

  it.each([0, 2])("rejects %i images for one placeholder", (count) => {
    const images = Array.from({ length: count }, () => processed("x"));
    expect(() => expandPrompt("<|image_pad|>", images)).toThrow(InvalidArgumentError);
    expect(() => expandPrompt("<|image_pad|>", images)).toThrow(`Expected ${count} placeholders`);
  });

  it("keeps the order of a message's parts", () => {
    const parts = [{ type: "text", text: "a" } as const, { type: "image" } as const];
    expect(formatContent(parts)).toEqual([{ type: "text", text: "a", content: "a" }, { type: "image" }]);
  });

  it("of text alone knows the image's place, whatever a message spells", () => {
    const { formatContent: format, expandPrompt: expand } = make("internvl_chat");
    const content = format([{ type: "image" }, { type: "text", text: "what is \uFDD2?" }]);
    expect(content).not.toContain("<image>");
    expect(expand(`User: ${content}`, [processed("<img>x</img>")])).toEqual([
      "User: <img>x</img>\nwhat is ?",
    ]);
  });

  it("may leave out the placeholders of models that read images first", () => {
    const { expandPrompt: expand } = make("paligemma");
    expect(expand("caption en", [processed("<image>")])).toEqual(["<image><bos>caption en\n"]);
  });

  it("names one of Florence's tasks, and nothing beside it", () => {
    const { expandPrompt: expand } = make("florence2");
    const images = [processed([1])];
    expect(expand("<OD>", images)).toEqual([
      [1],
      "<s>Locate the objects with category name in the image.</s>",
    ]);
    expect(expand("<REGION_TO_OCR> <loc_1>", images)).toEqual([
      [1],
      "<s>What text is in the region <loc_1>?</s>",
    ]);
    expect(() => expand("<OD> please", images)).toThrow("Expected nothing but <OD>");
  });
});

it.each([
  ["qwen2_vl", 201, 1],
  ["glm4v", 1, 10_000],
  ["kimi_vl", 20, 20],
  ["pixtral", 5000, 1],
])("%s refuses a picture of %i by %i pixels", (type, width, height) => {
  expect(() => make(type).process(blankImage(width, height))).toThrow(ImageError);
});

it.each([0, -1, 1.5, Number.NaN, 2 ** 30])("refuses to scale to %d pixels", (side) => {
  expect(() => resample(blankImage(2, 2), side, 2, "bicubic")).toThrow(ImageError);
});
