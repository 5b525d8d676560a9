import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { WeightsError } from "../../../src/errors.ts";
import { bytesReader, parseSafetensorsHeader, type WeightsProblem } from "../../../src/weights/index.ts";
import { buildSafetensors } from "../../security/weights/build-safetensors.ts";

type Row = [header: string, dataBytes: number, lengthError: number, accepted: boolean];

/** Verdicts of the reference implementation; `goldens/make_goldens.py <count>` writes more. */
const rows = JSON.parse(
  readFileSync(new URL("goldens/safetensors-verdicts.json", import.meta.url), "utf8"),
) as Row[];

/** Where we are stricter on purpose: duplicate keys, and shapes that MLX cannot hold. */
const STRICTER: ReadonlySet<unknown> = new Set<WeightsProblem>(["duplicate", "limit"]);

it(`gives the reference implementation's verdict on ${rows.length} generated files`, () => {
  let stricter = 0;
  for (const [header, dataBytes, lengthError, accepted] of rows) {
    const length = BigInt(Math.max(0, Buffer.byteLength(header) + lengthError));
    const problem = problemOf(buildSafetensors(header, dataBytes, length));
    if (accepted && STRICTER.has(problem)) stricter++;
    else expect([problem === undefined, problem], header).toEqual([accepted, accepted ? undefined : problem]);
  }
  expect(stricter).toBeLessThan(rows.length / 100);
});

function problemOf(file: Buffer): unknown {
  try {
    parseSafetensorsHeader(bytesReader(file), "generated.safetensors");
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(WeightsError);
    return (error as WeightsError).details.problem;
  }
}
