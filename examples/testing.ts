/** A test of a program of one's own, with a model that answers what the test says. `npx tsx examples/testing.ts` */
import assert from "node:assert/strict";
import { type AbstractLLM, generateObject } from "abstractllm";
import { FakeLLM } from "abstractllm/testing";
import { z } from "zod";

const Mood = z.object({ mood: z.enum(["good", "bad"]), reason: z.string().max(100) });

/** The program: sorts what customers write. */
async function sortLetter(letter: string, llm: AbstractLLM): Promise<"thank" | "call back"> {
  const { object } = await generateObject(llm, `Is this customer happy?\n\n${letter}`, Mood, {
    temperature: 0,
  });
  return object.mood === "good" ? "thank" : "call back";
}

const llm = new FakeLLM([
  { object: { mood: "good", reason: "likes it" } },
  { object: { mood: "furious" } }, // does not fit, and goes back to the model
  { object: { mood: "bad", reason: "it broke" } },
]);

assert.equal(await sortLetter("I like it.", llm), "thank");
assert.equal(await sortLetter("It broke.", llm), "call back");
assert.equal(llm.calls[0]?.callOptions.temperature, 0);
console.log(`passed; the model was asked ${llm.calls.length} times`);
