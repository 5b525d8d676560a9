import { expect, test } from "vitest";
import { nodeVersionProblem } from "./check-node.mjs";
import { isAtLeast, parseVersion } from "./version.mjs";

test.each([
  ["cmake version 3.25.1\n\nCMake suite maintained by Kitware", "3.25.1"],
  ["1.13.2.git.kitware.jobserver-pipe-1", "1.13.2"],
  ["pip 23.2.1 from /usr/lib/python3.11/site-packages/pip (python 3.11)", "23.2.1"],
  ["Python 3.13.0rc1", "3.13.0"],
  ["command not found", undefined],
])("parseVersion reads %j as %s", (text, version) => expect(parseVersion(text)).toBe(version));

test.each([
  ["3.24", "3.24", true],
  ["3.24.0", "3.24", true],
  ["3.9", "3.24", false],
  ["4.0", "3.24", true],
  ["3.23.9", "3.24", false],
  ["20.3.4", "20.3", true],
])("isAtLeast compares %s with %s as numbers", (version, minimum, expected) =>
  expect(isAtLeast(version, minimum)).toBe(expected),
);

test.each(["20.19.0", "20.20.2", "22.0.0", "100.1.0"])("Node %s will do", (version) =>
  expect(nodeVersionProblem(version)).toBeUndefined(),
);

test.each(["20.18.1", "18.20.8", "8.0.0"])("Node %s is refused with what to install", (version) =>
  expect(nodeVersionProblem(version)).toMatch(/too old.*20\.19 or newer.*https/),
);
