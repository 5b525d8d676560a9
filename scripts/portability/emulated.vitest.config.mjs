import { defineConfig } from "vitest/config";

const emulatedNode = process.env.EMULATED_NODE;
if (emulatedNode === undefined)
  throw new Error("EMULATED_NODE names no program: run npm run test:portability");
// vitest starts its workers with this program: they are emulated, and what compiles the tests is not
process.execPath = emulatedNode;

/** Tests in a Node of another processor, one at a time. */
export default defineConfig({
  test: {
    include: ["packages/mlx/test/**/*.test.ts"],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    pool: "forks",
    maxWorkers: 1,
    execArgv: ["--expose-gc"],
  },
});
