import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createContext } from "./setup/context.mjs";

const { root } = createContext();
const bare = mkdtempSync(join(tmpdir(), "bare-"));
afterAll(() => rmSync(bare, { recursive: true, force: true }));

// what set-up makes, and what no command reads before it
const left = new Set(["node_modules", ".git", ".setup", "dist", "build", "vendor", "test"]);
cpSync(root, bare, { recursive: true, filter: (path) => path === root || !left.has(basename(path)) });

/** @type {{ scripts: Record<string, string> }} */
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const entries = [
  "start",
  "test",
  "test:long",
  "test:oracle",
  "test:portability",
  "test:sanitizers",
  "setup",
  "pack",
  "bench",
  "lint",
];

test.each(entries)("npm run %s on a checkout without anything installed begins with set-up", (name) => {
  const [, script = "", ...args] = scripts[name]?.split(" ") ?? [];
  // set-up needs programs, so without any it says so and goes no further
  const { stderr, status } = spawnSync(process.execPath, [join(bare, script), ...args], {
    cwd: bare,
    env: { PATH: "" },
    encoding: "utf8",
  });
  expect(stderr).toMatch(/^\nPython .* with pip is needed/);
  expect(status).toBe(1);
});
