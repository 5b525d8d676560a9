import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import {
  GGUF_TYPES,
  type GgufType,
  ggufBlock,
  ggufTypeById,
  ggufTypeId,
  isSupportedGgufType,
} from "./gguf-types.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../test/fuzz/weights/goldens/gguf-types.json", import.meta.url), "utf8"),
) as Record<GgufType, [id: number, blockSize: number, blockBytes: number]>;

it("has the numbers and block geometry of the gguf package", () => {
  const ours = GGUF_TYPES.map((type) => [
    type,
    [ggufTypeId(type), ggufBlock(type).size, ggufBlock(type).bytes],
  ]);
  expect(Object.fromEntries(ours)).toEqual(golden);
});

it("finds a type by its number", () => {
  for (const type of GGUF_TYPES) expect(ggufTypeById(ggufTypeId(type))).toBe(type);
  expect(ggufTypeById(4)).toBeUndefined();
});

it("names the types that cannot be unpacked", () => {
  expect(GGUF_TYPES.filter((type) => !isSupportedGgufType(type)).sort()).toEqual(
    "IQ1_M IQ1_S IQ2_S IQ2_XS IQ2_XXS IQ3_S IQ3_XXS NVFP4 Q1_0 Q8_1 Q8_K TQ1_0 TQ2_0".split(" "),
  );
});
