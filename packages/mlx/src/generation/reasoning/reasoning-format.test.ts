import { expect, test } from "vitest";
import { markedTokenizer } from "../../../test/marked-tokenizer.ts";
import { reasoningFormat } from "./reasoning-format.ts";
import { ReasoningWatch } from "./reasoning-watch.ts";

const HARMONY = ["<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|call|>"];
const THOUGHT = ["<|channel>", "<channel|>"];
const CONTROL = ["<|stop|>", "<think>", "</think>", ...HARMONY, ...THOUGHT];
const LETTERS = [..."abcdefghijklmnopqrstuvwxyzIĊĠ,."];
const TOKENS = [...CONTROL, ...LETTERS];
const ids = (...tokens: string[]): number[] => tokens.map((token) => TOKENS.indexOf(token));
const spelt = (text: string): number[] => ids(...text.replaceAll("\n", "Ċ").replaceAll(" ", "Ġ"));

/** A tokenizer without some of its control tokens. */
const tokenizer = (template: string, without: readonly string[] = []) =>
  markedTokenizer({ control: CONTROL, others: LETTERS }, template, without);

test("reasoning stands between the marks of the vocabulary", async () => {
  const format = await reasoningFormat(tokenizer(""));
  expect(format).toMatchObject({
    start: ids("<think>"),
    end: ids("</think>"),
    otherEnds: [],
    next: [],
    lastWords: spelt("\n\nI have no more time to think, so I answer with what I know now.\n"),
    isFirst: true,
  });
  expect([..."aĊĠ."].map((token) => format?.isBlank(...(ids(token) as [number])))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

test("a mark may be of several tokens", async () => {
  const format = await reasoningFormat(tokenizer("", ["<think>"]));
  expect(format).toMatchObject({
    start: [...ids("<|channel>"), ...spelt("thought")],
    end: ids("<channel|>"),
    isFirst: true,
  });
});

test("gpt-oss reasons in a channel, and has to name another one after it", async () => {
  expect(await reasoningFormat(tokenizer(HARMONY.join("")))).toMatchObject({
    start: [...ids("<|channel|>"), ...spelt("analysis"), ...ids("<|message|>")],
    end: ids("<|end|>"),
    otherEnds: [ids("<|start|>"), ids("<|channel|>")],
    next: [...ids("<|start|>"), ...spelt("assistant"), ...ids("<|channel|>")],
    isFirst: false,
  });
});

test("a model without marks does not reason", async () => {
  expect(await reasoningFormat(tokenizer("", ["<think>", "<|channel>"]))).toBeUndefined();
});

/** Whether an answer reasons behind a text, and how many tokens it has reasoned. */
const follow = async (template: string, prompt: readonly number[], answer: readonly number[] = []) => {
  const format = await reasoningFormat(tokenizer(template));
  if (format === undefined) throw new Error("no format");
  const watch = new ReasoningWatch(format, prompt);
  for (const token of answer) watch.take(token);
  return [watch.isReasoning, watch.tokens];
};

test("a prompt ends within reasoning when the last mark in it opens", async () => {
  const [start, end] = [ids("<think>"), ids("</think>")];
  const letters = spelt("ab");
  expect(await follow("", [...letters, ...start])).toEqual([true, 0]);
  expect(await follow("", [...start, ...letters, ...end, ...letters, ...start])).toEqual([true, 0]);
  expect(await follow("", [...start, ...letters, ...end, ...letters])).toEqual([false, 0]);
  expect(await follow("", letters)).toEqual([false, 0]);
});

test("tokens count that stand between marks", async () => {
  const [start, end] = [ids("<think>"), ids("</think>")];
  const letters = spelt("abc");
  expect(await follow("", [], [...start, ...letters, ...end, ...letters])).toEqual([false, 3]);
  expect(await follow("", start, [...letters, ...letters])).toEqual([true, 6]);
  expect(await follow("", start, [...letters, ...end, ...start, ...letters])).toEqual([true, 6]);
});

test("tokens count of every message in the channel of analysis, however it ends", async () => {
  const message = (channel: string) => [
    ...ids("<|channel|>"),
    ...spelt(channel),
    ...ids("<|message|>"),
    ...spelt("abc"),
  ];
  const [start, end] = [ids("<|start|>"), ids("<|end|>")];
  const next = [...end, ...start, ...spelt("assistant")];
  const answer = [
    ...message("analysis"),
    ...next,
    ...message("commentary"),
    ...next,
    ...message("analysis"),
    ...message("final"),
  ];
  expect(await follow(HARMONY.join(""), start, answer)).toEqual([false, 6]);
});
