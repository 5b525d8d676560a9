import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { readElfSymbols } from "./elf-symbols.mjs";
import { readMachOSymbols } from "./mach-o-symbols.mjs";

/** A package that carries its addon for every platform. */
const tokenizers = dirname(
  createRequire(new URL("../../packages/mlx/package.json", import.meta.url)).resolve("tokenizers"),
);

test.each([
  ["x64", "GLIBC_2.2.5"],
  ["arm64", "GLIBC_2.17"],
])("reads the symbols of an ELF library: %s", (processor, oldestVersion) => {
  const { defined, undefined_, versions } = readElfSymbols(
    join(tokenizers, `tokenizers.linux-${processor}-gnu.node`),
  );
  expect([...defined]).toContain("napi_register_module_v1");
  expect([...undefined_]).toEqual(expect.arrayContaining(["malloc", "memcpy"]));
  expect([...defined].some((name) => undefined_.has(name))).toBe(false);
  expect(versions).toContain(oldestVersion);
});

test("reads the symbols of a Mach-O library, and where each comes from", () => {
  const { defined, undefined_, oldestMacOS } = readMachOSymbols(
    join(tokenizers, "tokenizers.darwin-arm64.node"),
  );
  expect([...defined]).toContain("_napi_register_module_v1");
  expect(undefined_).toContainEqual({ name: "_malloc", from: "/usr/lib/libSystem.B.dylib" });
  expect(oldestMacOS).toMatch(/^1\d\.\d+$/);
});

test("rejects files of another kind", () => {
  const elf = join(tokenizers, "tokenizers.linux-x64-gnu.node");
  const machO = join(tokenizers, "tokenizers.darwin-arm64.node");
  expect(() => readElfSymbols(machO)).toThrow(`${machO} is not a 64-bit ELF file`);
  expect(() => readMachOSymbols(elf)).toThrow(`${elf} is not a 64-bit Mach-O file`);
});
