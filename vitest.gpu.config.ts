import { configDefaults, defineConfig } from "vitest/config";

/** Tests of models on a GPU, for `npm run test:gpu`. */
export default defineConfig({
  test: {
    include: [
      "packages/mlx/test/parity/**/*.test.ts",
      "packages/mlx/test/engine/**/*.test.ts",
      "packages/mlx/src/{cache,core,generation,nn}/**/*.test.ts",
    ],
    exclude: [...configDefaults.exclude, "packages/mlx/test/parity/tokenizer/**"],
    setupFiles: ["packages/mlx/test/gpu.setup.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "forks",
    execArgv: ["--expose-gc"],
    env: {
      TEST_DEVICE: "gpu",
      // else CUDA rounds what it multiplies in float32 to 10 bits
      MLX_ENABLE_TF32: "0",
    },
  },
});
