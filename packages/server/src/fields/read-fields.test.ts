import { expect, test } from "vitest";
import { RequestProblem } from "../http/request-problem.ts";
import { HARMLESS, listOf, number, object, readFields, refused, required, text } from "./index.ts";

const RULES = {
  name: required(text),
  size: number,
  tags: listOf(text),
  extra: object,
  note: HARMLESS,
  audio: refused("answers are text", 0, "none"),
};

const problemOf = (value: unknown, path?: string): RequestProblem => {
  try {
    readFields(value, RULES, path);
  } catch (error) {
    if (error instanceof RequestProblem) return error;
  }
  throw new Error("It was accepted");
};

test("reads what there is, takes null for nothing, and passes over what changes no answer", () => {
  const given = { name: "x", size: null, tags: ["a"], note: { any: 1 }, audio: null };
  expect(readFields(given, RULES)).toEqual({ name: "x", tags: ["a"] });
});

test.each([0, "none", false, []])("takes %j for asking for nothing", (audio) => {
  expect(readFields({ name: "x", audio }, RULES)).toEqual({ name: "x" });
});

test.each([
  [{ name: "x", audio: 1 }, "audio", "audio is not supported here: answers are text"],
  [{ name: "x", odio: 1 }, "odio", "odio is not a field that this server knows"],
  [{ name: "x", constructor: 1 }, "constructor", "constructor is not a field"],
  [{ size: 1 }, "name", "name is missing"],
  [{ name: 7 }, "name", "Expected string for name but received 7"],
  [{ name: "x", size: "secret" }, "size", "Expected number for size but received string"],
  [{ name: "x", tags: ["a", 1] }, "tags", "Expected array of strings for tags but received array"],
  [[], "the body", "Expected object for the body but received array"],
])("refuses %j by the field's name", (value, param, message) => {
  const problem = problemOf(value);
  expect(problem.param).toBe(param);
  expect(problem.message).toContain(message);
});

test("names the place of a nested field", () => {
  expect(problemOf({ name: 7 }, "tools[2]").param).toBe("tools[2].name");
});
