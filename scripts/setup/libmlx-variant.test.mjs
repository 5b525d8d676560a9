import { expect, test } from "vitest";
import { cLibraryProblem, libmlxVariant } from "./libmlx-variant.mjs";

test.each([
  [undefined, "linux", "x64", "cpu"],
  ["", "linux", "arm64", "cpu"],
  ["cuda13", "linux", "x64", "cuda13"],
  [undefined, "darwin", "arm64", "metal"],
])("ABSTRACTLLM_MLX=%s on %s-%s gives %s", (asked, platform, arch, variant) =>
  expect(libmlxVariant(asked, { platform, arch })).toBe(variant),
);

test.each([
  [undefined, "win32", "x64", "WSL 2"],
  [undefined, "darwin", "x64", "Intel"],
  [undefined, "freebsd", "x64", "no MLX for freebsd-x64"],
  ["metal", "linux", "x64", "expected cpu or cuda12 or cuda13"],
  ["gpu", "darwin", "arm64", "expected metal"],
])("ABSTRACTLLM_MLX=%s on %s-%s is refused with a way out", (asked, platform, arch, message) =>
  expect(() => libmlxVariant(asked, { platform, arch })).toThrow(message),
);

test.each([
  ["linux", "2.35", undefined],
  ["linux", "3.0", undefined],
  ["darwin", undefined, undefined],
  ["linux", "2.34", "2.35 or newer and this system has 2.34"],
  ["linux", undefined, "musl"],
])("%s with glibc %s", (platform, version, expected) => {
  const problem = cLibraryProblem(platform, version);
  if (expected === undefined) expect(problem).toBeUndefined();
  else expect(problem).toContain(expected);
});
