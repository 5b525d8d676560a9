/** A file of its own: what it looks at happens once in a process. */
import { detectRuntime } from "@abstractllm/mlx";
import { expect, test } from "vitest";
import { createLLM } from "../src/index.ts";
import { SETUP_MODEL } from "./setup-model.ts";

test("says once in a process that models run on the CPU, where they do", async () => {
  const open = (device: "auto" | "cpu") => createLLM("mlx", { model: SETUP_MODEL, offline: true, device });
  const [told, first, second] = [await open("cpu"), await open("auto"), await open("auto")];
  const notes: number[] = [];
  for (const llm of [told, first, second, first]) {
    const { warnings } = await llm.generate("One,", { maxTokens: 1, chatTemplate: false });
    notes.push(warnings.filter((text) => text.includes("CPU")).length);
  }
  const { device } = await detectRuntime();
  expect(notes).toEqual(device === "cpu" ? [0, 1, 0, 0] : [0, 0, 0, 0]);
  for (const llm of [told, first, second]) await llm.unload();
});
