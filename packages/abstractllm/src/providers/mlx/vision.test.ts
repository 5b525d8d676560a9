import { expect, test } from "vitest";
import { looksLikeVisionModel } from "./vision.ts";

test.each([
  ["mlx-community/llava-1.5-7b-mlx", true],
  ["mlx-community/Llama-3.2-11B-Vision-Instruct-4bit", true],
  ["Salesforce/blip-image-captioning", true],
  ["mlx-community/Qwen2-VL-2B-Instruct-4bit", true],
  ["mlx-community/Qwen2.5-VL", true],
  ["HuggingFaceTB/SmolVLM-Instruct", true],
  ["mlx-community/Mistral-7B-Instruct-v0.3-4bit", false],
  ["mlx-community/qwen2.5-coder-14b-instruct-abliterated", false],
  ["vlad/model", false],
])("%s: %s", (name, expected) => {
  expect(looksLikeVisionModel(name)).toBe(expected);
});
