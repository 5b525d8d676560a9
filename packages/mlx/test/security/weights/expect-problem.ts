import { expect } from "vitest";
import { WeightsError } from "../../../src/errors.ts";
import type { WeightsProblem } from "../../../src/weights/index.ts";

/** Runs `action` and expects a `WeightsError` with this problem; returns it. */
export function expectProblem(action: () => unknown, problem: WeightsProblem): WeightsError {
  let error: unknown;
  try {
    action();
  } catch (caught) {
    error = caught;
  }
  expect(error, "it was accepted").toBeInstanceOf(WeightsError);
  const weightsError = error as WeightsError;
  expect(weightsError.details.problem, weightsError.message).toBe(problem);
  expect(weightsError.code).toBe("weights");
  return weightsError;
}
