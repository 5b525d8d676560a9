import { describe, expect, it } from "vitest";
import { markedTokenizer } from "../../test/marked-tokenizer.ts";
import { ReasoningGate } from "./reasoning-gate.ts";

const HARMONY = ["<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|call|>", "<|constrain|>"];
const CONTROL = ["<|stop|>", "<think>", "</think>", ...HARMONY];
const OTHERS = ["a", "final", "analysis", "json", "Ġ"];
const TOKENS = [...CONTROL, ...OTHERS];
const id = (token: string): number => TOKENS.indexOf(token);
const ids = (...tokens: string[]): number[] => tokens.map(id);

const tokenizer = (template: string, without: readonly string[] = []) =>
  markedTokenizer({ control: CONTROL, others: OTHERS }, template, without);

/** Which tokens of an answer are none of the constraint's. */
const taken = (gate: ReasoningGate, answer: readonly number[]): boolean[] =>
  answer.map((token, i) => gate.takes(token, i === 0));

describe("a gate for reasoning", () => {
  const thinking = tokenizer("");

  it("is closed while the prompt's reasoning goes on, and open after its end", () => {
    const gate = new ReasoningGate(thinking, ids("a", "<think>"));
    expect(gate.isReasoning).toBe(true);
    expect(taken(gate, ids("a", "a", "</think>", "a"))).toEqual([true, true, true, false]);
    expect(gate.isReasoning).toBe(false);
  });

  it("lets an answer begin with reasoning, and only begin", () => {
    const gate = new ReasoningGate(thinking, ids("a"));
    expect(gate.opener).toBe(id("<think>"));
    expect(taken(gate, ids("<think>", "a", "</think>", "a"))).toEqual([true, true, true, false]);
    expect(taken(new ReasoningGate(thinking, ids("a")), ids("a", "<think>"))).toEqual([false, false]);
  });

  it("opens no second reasoning where the prompt has closed one", () => {
    const gate = new ReasoningGate(thinking, ids("<think>", "</think>"));
    expect({ opener: gate.opener, isReasoning: gate.isReasoning }).toEqual({
      opener: undefined,
      isReasoning: false,
    });
  });

  it("is always open for a model that has no marks for reasoning", () => {
    const gate = new ReasoningGate(tokenizer("", ["<think>"]), ids("a"));
    expect({ opener: gate.opener, isReasoning: gate.isReasoning }).toEqual({
      opener: undefined,
      isReasoning: false,
    });
  });

  it.each([
    ["", []],
    [" with its kind of content", ["Ġ", "<|constrain|>", "json"]],
  ])("waits for gpt-oss's last channel%s", (_, kind) => {
    const gate = new ReasoningGate(tokenizer(HARMONY.join("")), ids("<|start|>"));
    const before = ids("<|channel|>", "analysis", "<|message|>", "a", "<|end|>", "<|start|>");
    expect(taken(gate, before).every(Boolean)).toBe(true);
    taken(gate, ids("<|channel|>", "final", ...kind, "<|message|>"));
    expect(gate.isReasoning).toBe(false);
    expect(gate.takes(id("a"), false)).toBe(false);
  });
});
