import { expect, test } from "vitest";
import { isInstalled } from "./npm-packages.mjs";

const a = { version: "1.0.0", integrity: "sha512-a" };
const link = { resolved: "packages/mlx", link: true };
const wanted = {
  "": { version: "0.0.0" },
  "packages/mlx": { version: "0.1.0" },
  "node_modules/a": a,
  "node_modules/@abstractllm/mlx": link,
  "packages/mlx/node_modules/b": { version: "2.0.0" },
  "node_modules/other-platform": { version: "3.0.0", optional: true },
};
const installed = {
  "node_modules/a": a,
  "node_modules/@abstractllm/mlx": link,
  "packages/mlx/node_modules/b": { version: "2.0.0" },
  "packages/mlx": { version: "0.1.0" },
};

test("an install that matches the lockfile is kept", () => expect(isInstalled(wanted, installed)).toBe(true));

test.each([
  ["another version", { "node_modules/a": { ...a, version: "1.0.1" } }],
  ["another content", { "node_modules/a": { ...a, integrity: "sha512-b" } }],
  ["a copy for a link", { "node_modules/@abstractllm/mlx": { version: "0.1.0" } }],
  ["another version of an optional package", { "node_modules/other-platform": { version: "3.0.1" } }],
  ["a package that is not locked", { "node_modules/left-over": a }],
])("an install with %s is replaced", (_what, change) =>
  expect(isInstalled(wanted, { ...installed, ...change })).toBe(false),
);

test("an install that lacks a package is replaced", () => {
  const { "packages/mlx/node_modules/b": _, ...rest } = installed;
  expect(isInstalled(wanted, rest)).toBe(false);
});
