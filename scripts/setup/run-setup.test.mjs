import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand } from "./run-command.mjs";
import { runSetup } from "./run-setup.mjs";
import { fingerprint } from "./stamp.mjs";

let root = "";
let printed = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "set-up-"));
  printed = "";
  writeFileSync(join(root, "input"), "1");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/**
 * A step from `input` to `NAME.out`, made by a real program.
 *
 * @param {string} name
 * @param {string} script - for the shell
 * @returns {import("./step.mjs").Step}
 */
function shellStep(name, script) {
  return {
    name,
    title: () => `the ${name}`,
    needs: [],
    fingerprint: (context) => fingerprint(context.root, [join(context.root, "input")], [script]),
    outputs: (context) => [join(context.root, `${name}.out`)],
    run: (context, task) =>
      runCommand("sh", ["-c", script], { cwd: context.root, env: process.env, log: task.log }),
  };
}

/** @param {import("./step.mjs").Step[]} steps */
function setUp(...steps) {
  const stateDir = join(root, ".setup");
  return runSetup({
    steps,
    context: { root, stateDir, scratchDir: join(stateDir, "scratch"), env: process.env, variant: "cpu" },
    screen: {
      write: (text) => {
        printed += text;
      },
    },
  });
}

test("says what a step has to tell, once", async () => {
  const step = shellStep("told", "touch told.out");
  const told = {
    ...step,
    run: (
      /** @type {import("./context.mjs").Context} */ context,
      /** @type {import("./step.mjs").Task} */ task,
    ) => {
      task.note("Something is missing.");
      return step.run(context, task);
    },
  };
  await setUp(told);
  await setUp(told);
  expect(printed.match(/^Something is missing\.$/gm)).toHaveLength(1);
});

const first = shellStep("first", "cp input first.out");
const second = shellStep("second", "cp first.out second.out");

test("runs what is missing, and then nothing", async () => {
  expect(await setUp(first, second)).toBe(2);
  expect(printed).toMatch(
    /^\[1\/2\] the first \.\.\. done \([\d.]+ s\)\n\[2\/2\] the second \.\.\. done \([\d.]+ s\)\n$/,
  );
  printed = "";
  expect(await setUp(first, second)).toBe(0);
  expect(printed).toBe("");
});

test("runs a step again when its input changes or its output is gone", async () => {
  await setUp(first, second);
  rmSync(join(root, "second.out"));
  expect(await setUp(first, second)).toBe(1);
  writeFileSync(join(root, "input"), "2");
  expect(await setUp(first, second)).toBe(2);
});

test("a failed step is not done, shows the end of its output and stops the rest", async () => {
  const broken = shellStep("broken", "touch broken.out; seq 100; echo why >&2; exit 3");
  await expect(setUp(first, broken, second)).rejects.toThrow(
    /exit code 3[\s\S]*\n {2}100\n {2}why\nThe whole log: .*broken\.log$/,
  );
  await expect(setUp(first, broken, second)).rejects.not.toThrow(/\n {2}60\n/);
  expect(existsSync(join(root, "second.out"))).toBe(false);
  expect(printed).toContain("[2/3] the broken ... failed");
});

test("a step that makes nothing is an error, not done", async () => {
  await expect(setUp(shellStep("empty", "true"))).rejects.toThrow("empty.out was not made");
});

test("an input edited while its step runs makes the step run again", async () => {
  const slow = shellStep("slow", "cp input slow.out; echo 3 > input");
  await setUp(slow);
  expect(await setUp(slow)).toBe(1);
  expect(await setUp(slow)).toBe(0);
});

test("two at once do the work once", async () => {
  const counts = await Promise.all([
    setUp(shellStep("one", "sleep 0.5; touch one.out")),
    setUp(shellStep("one", "sleep 0.5; touch one.out")),
  ]);
  expect(counts.sort()).toEqual([0, 1]);
  expect(printed).toContain(`Waiting for another set-up (process ${process.pid}) to finish`);
});
