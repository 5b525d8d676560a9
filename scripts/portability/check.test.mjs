import { expect, test, vi } from "vitest";
import { createContext } from "../setup/context.mjs";
import { CannotCheck, expectNoneMissing, runMachineChecks } from "./check.mjs";

test("names what passed, failed and could not be checked, and counts only failures", async () => {
  /** @type {string[]} */
  const lines = [];
  const log = vi.spyOn(console, "log").mockImplementation((line) => void lines.push(line));
  const check = (/** @type {string} */ title, /** @type {() => string} */ run) => ({
    title,
    run: async () => run(),
  });
  const checks = [
    check("a", () => "seen"),
    check("b", () => {
      expectNoneMissing("the addon", ["_one", "_two"]);
      return "seen";
    }),
    check("c", () => {
      throw new CannotCheck("needs a tool");
    }),
  ];
  const failures = await runMachineChecks(checks, createContext(), String);
  log.mockRestore();
  expect(failures).toBe(1);
  expect(lines.map((line) => line.replace(/ \(\d+ s\)$/, ""))).toEqual([
    "a ... ok: seen",
    "b ... failed: 2 symbols of the addon are nowhere: _one, _two",
    "c ... skipped: needs a tool",
  ]);
});
