import { defineConfig } from "vitest/config";

const otherNode = process.env.OTHER_NODE;
if (otherNode === undefined)
  throw new Error("OTHER_NODE names no program: run npm run test:portability or npm run test:sanitizers");
// vitest starts its workers with this program, and what compiles the tests with its own
process.execPath = otherNode;

/** Tests in a Node of another processor, or one with sanitizers, one at a time. */
export default defineConfig({
  test: {
    include: ["packages/mlx/{src,test}/**/*.test.ts"],
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    pool: "forks",
    maxWorkers: 1,
    execArgv: ["--expose-gc"],
  },
});
