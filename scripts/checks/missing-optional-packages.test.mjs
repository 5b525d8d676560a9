import { expect, test } from "vitest";
import { missingOptionalPackages } from "./missing-optional-packages.mjs";

test("finds unlocked binaries of other platforms and reads the platform from their names", () => {
  const packages = {
    "node_modules/tool": {
      version: "1.2.3",
      optionalDependencies: {
        "@tool/cli-linux-x64": "1.2.3",
        "@tool/cli-darwin-arm64": "1.2.3",
        "@tool/binding-linux-arm-musleabihf": "1.2.3",
        "@tool/binding-linux-ppc64-gnu": "1.2.3",
        "@tool/binding-win32-x64-msvc": "1.2.3",
        fsevents: "~2.3.3",
      },
    },
    "node_modules/@tool/cli-linux-x64": { version: "1.2.3" },
  };
  const shared = { version: "1.2.3", optional: true };
  expect(missingOptionalPackages(packages)).toEqual({
    "node_modules/@tool/cli-darwin-arm64": { ...shared, os: ["darwin"], cpu: ["arm64"] },
    "node_modules/@tool/binding-linux-arm-musleabihf": {
      ...shared,
      os: ["linux"],
      cpu: ["arm"],
      libc: ["musl"],
    },
    "node_modules/@tool/binding-linux-ppc64-gnu": {
      ...shared,
      os: ["linux"],
      cpu: ["ppc64"],
      libc: ["glibc"],
    },
    "node_modules/@tool/binding-win32-x64-msvc": { ...shared, os: ["win32"], cpu: ["x64"] },
  });
});
