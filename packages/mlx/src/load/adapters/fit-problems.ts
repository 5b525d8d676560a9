import { WeightsError } from "../../errors.ts";

const LISTED = 8; // names per kind: enough to see the pattern

const list = (names: readonly string[]): string =>
  names.length <= LISTED
    ? names.join(", ")
    : `${names.slice(0, LISTED).join(", ")} and ${names.length - LISTED} more`;

/** What keeps an adapter from fitting a model, by tensor. */
export class FitProblems {
  /** Tensors of no layer that an adapter of this type can change. */
  readonly unknown: string[] = [];
  /** Tensors whose layer lacks others. */
  readonly incomplete: string[] = [];
  readonly misshapen: string[] = [];

  /** Whether a tensor has the shape that its layer asks for. */
  expectShape(name: string, { shape }: { shape: readonly number[] }, expected: readonly number[]): boolean {
    if (shape.join() === expected.join()) return true;
    this.misshapen.push(`${name} (expected [${expected.join(",")}], got [${shape.join(",")}])`);
    return false;
  }

  /** @throws {WeightsError} naming all there are */
  check(folder: string): void {
    const { unknown, incomplete, misshapen } = this;
    const found = [
      ...(unknown.length > 0 ? [`of no layer that it can change: ${list(unknown)}`] : []),
      ...(incomplete.length > 0 ? [`without the others of their layer: ${list(incomplete)}`] : []),
      ...(misshapen.length > 0 ? [`wrong shape: ${list(misshapen)}`] : []),
    ];
    if (found.length === 0) return;
    throw new WeightsError(
      `The adapter at ${folder} does not fit the model; it may be another model's. ${found.join("; ")}`,
      { details: { unknown, incomplete, misshapen } },
    );
  }
}
