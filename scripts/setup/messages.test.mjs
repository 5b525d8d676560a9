import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { explainPip } from "./fetch-wheels.mjs";
import { checkPrerequisites, findCompiler, findOnPath, findPython } from "./prerequisites.mjs";
import { explainCargo } from "./steps/grammar.mjs";
import { explainNpm } from "./steps/npm-packages.mjs";

const emptyPath = mkdtempSync(join(tmpdir(), "path-"));
rmSync(emptyPath, { recursive: true });

test("every missing prerequisite gets its own line that says what to install", () => {
  const check = () => checkPrerequisites(["python", "compiler"], { PATH: emptyPath });
  expect(check).toThrow(
    /^Python .* with pip is needed.*(apt install|xcode-select).*\nA C\+\+20 compiler is needed.*(apt install|xcode-select).*$/,
  );
});

test("only what is needed is asked for", () => {
  expect(() => checkPrerequisites([], { PATH: emptyPath })).not.toThrow();
});

test("PYTHON and CXX are taken at their word", () => {
  expect(() => findPython({ ...process.env, PYTHON: "/absent/python" })).toThrow("looked for /absent/python");
  expect(() => findCompiler({ ...process.env, CXX: "/absent/c++" })).toThrow("looked for /absent/c++");
  expect(() => findCompiler({ ...process.env, CXX: "/bin/cat" })).toThrow(
    /\/bin\/cat cannot compile C\+\+20|none was found/,
  );
});

test("a compiler behind a launcher is found", () => {
  expect(findCompiler({ ...process.env, CXX: "env c++" })).toBe("env c++");
});

test("findOnPath looks in absolute folders only", () => {
  expect(findOnPath("sh", { PATH: "/absent:/bin" })).toBe("/bin/sh");
  expect(findOnPath("setup", { PATH: "scripts" })).toBeUndefined();
});

test.each([
  ["WARNING: Retrying after NewConnectionError('Failed to establish a new connection')", "network"],
  ["ERROR: No matching distribution found for mlx-cpu==0.32.4", "no mlx-cpu==0.32.4"],
  ["SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"],
  ["OSError: [Errno 28] No space left on device", "disk is full"],
])("explains pip's %j", (output, expected) => expect(explainPip(output)).toContain(expected));

test.each([
  ["npm error code EAI_AGAIN", "network"],
  ["npm error code ENOTCACHED", "offline"],
  ["npm error code SELF_SIGNED_CERT_IN_CHAIN", "NODE_EXTRA_CA_CERTS"],
  ["npm error Exit handler never called!", "own log"],
  ["npm error code ENOSPC", "disk is full"],
])("explains npm's %j", (output, expected) => expect(explainNpm(output)).toContain(expected));

test.each([
  ["error: rustc 1.63.0 is not supported by the following packages:", "rustup update"],
  ["error: failed to download from `https://index.crates.io/config.json`", "network"],
])("explains cargo's %j", (output, expected) => expect(explainCargo(output)).toContain(expected));

test("says nothing of what it does not know", () => {
  expect(explainPip("something else")).toBeUndefined();
  expect(explainNpm("npm error code EUSAGE")).toBeUndefined();
  expect(explainCargo("error: linker `cc` not found")).toBeUndefined();
});
