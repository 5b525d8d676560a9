import { defineConfig } from "vitest/config";

/** Tests that take minutes, for `npm run test:long`. */
export default defineConfig({
  test: {
    include: ["packages/*/test/long/**/*.test.ts", "packages/*/test/fuzz/weights/**/*.test.ts"],
    env: { FUZZ_RUNS: "1000000" },
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
    // one at a time: these measure memory and delays
    pool: "forks",
    maxWorkers: 1,
    execArgv: ["--expose-gc"],
  },
});
