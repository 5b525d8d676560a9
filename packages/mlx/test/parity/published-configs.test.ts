import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { getActiveMemory, getPeakMemory, resetPeakMemory } from "../../src/core/index.ts";
import { readJsonObject } from "../../src/load/read-json.ts";
import { countParameters, resolveArchitecture } from "../../src/models/index.ts";

/** The `config.json` of a checkpoint as it was published. */
interface Published {
  readonly file: string;
  readonly model: string;
  /** Where it was read. */
  readonly source: string;
  /** The size that its publisher states; absent where `unstated` says why. */
  readonly stated?: { readonly parameters: string; readonly by: string };
  readonly unstated?: string;
  /** How many parameters mlx-lm's model has; null where it makes none, for the reason in `mlxLmProblem`. */
  readonly mlxLm: number | null;
  readonly mlxLmProblem?: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const folder = fileURLToPath(new URL("../goldens/published/", import.meta.url));
const published = readdirSync(folder).map(
  (file) => ({ file, ...readJsonObject(`${folder}${file}`) }) as unknown as Published,
);
const types = (all: readonly Published[]): number => new Set(all.map(({ config }) => config.model_type)).size;

const UNITS: Readonly<Record<string, number>> = { "": 1, M: 1e6, B: 1e9, T: 1e12 };

/** `30.5B` is 30,450,000,000 to 30,550,000,000; `700M` is 650,000,000 to 750,000,000. */
const rangeOf = (stated: string): [number, number] => {
  const [, digits = "", unit = ""] = /^([\d.,]+)([MBT]?)$/.exec(stated) ?? [];
  const [whole = "", part = ""] = digits.replaceAll(",", "").split(".");
  const last = part === "" ? 10 ** (/0*$/.exec(whole)?.[0].length ?? 0) : 10 ** -part.length;
  const scale = UNITS[unit] ?? Number.NaN;
  const middle = Number(`${whole}.${part}`);
  return [(middle - last / 2) * scale, (middle + last / 2) * scale];
};

const MEGABYTE = 2 ** 20;

describe("published configurations", () => {
  it("are of at least 60 model types, and of 40 with a stated size", () => {
    expect(types(published)).toBeGreaterThanOrEqual(60);
    expect(types(published.filter(({ stated }) => stated !== undefined))).toBeGreaterThanOrEqual(40);
  });

  it("reads a stated size as what rounds to it", () => {
    expect(rangeOf("30.5B")).toEqual([30.45e9, 30.55e9]);
    expect(rangeOf("700M")).toEqual([650e6, 750e6]);
    expect(rangeOf("2,795,443,200")).toEqual([2_795_443_150, 2_795_443_250]);
  });

  describe.each(published)("$file: $model", ({ config, stated, mlxLm }) => {
    beforeEach(resetPeakMemory);
    afterEach(() => {
      // by shapes alone: a few constants are computed
      expect(getPeakMemory() - getActiveMemory()).toBeLessThan(MEGABYTE);
    });

    it("parses, with no key that could change the logits unknown", async () => {
      expect((await resolveArchitecture(config)).unknownKeys).toEqual([]);
    });

    if (mlxLm !== null) {
      it("has as many parameters as in mlx-lm", async () => {
        expect(await countParameters(config)).toBe(mlxLm);
      });
    }

    if (stated !== undefined) {
      it(`has ${stated.parameters} parameters`, async () => {
        const [least, most] = rangeOf(stated.parameters);
        const count = await countParameters(config);
        expect(count).toBeGreaterThanOrEqual(least);
        expect(count).toBeLessThan(most);
      });
    }
  });
});
