import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { compiledKernelsFolder, hasCompiledKernels } from "./compiled-kernels.ts";
import { MLX_VERSION } from "./version.ts";

const scratch = mkdtempSync(join(tmpdir(), "kernels-"));
afterAll(() => rmSync(scratch, { recursive: true }));

it("lie in the user's cache, apart by version", () => {
  const folder = `abstractllm/cuda-kernels-${MLX_VERSION}`;
  expect(compiledKernelsFolder({ HOME: "/home/ada" })).toBe(`/home/ada/.cache/${folder}`);
  expect(compiledKernelsFolder({ HOME: "/home/ada", XDG_CACHE_HOME: "/var/cache" })).toBe(
    `/var/cache/${folder}`,
  );
});

it("stay where libmlx's own variable says", () => {
  expect(compiledKernelsFolder({ HOME: "/home/ada", MLX_PTX_CACHE_DIR: "/fast" })).toBe("/fast");
});

it("are missing until one is written", () => {
  const env = { MLX_PTX_CACHE_DIR: scratch };
  expect(hasCompiledKernels({ MLX_PTX_CACHE_DIR: join(scratch, "none") })).toBe(false);
  expect(hasCompiledKernels(env)).toBe(false);
  writeFileSync(join(scratch, "copy.ptx"), "");
  expect(hasCompiledKernels(env)).toBe(true);
  expect(hasCompiledKernels({ MLX_PTX_CACHE_DIR: join(scratch, "copy.ptx") })).toBe(false);
});
