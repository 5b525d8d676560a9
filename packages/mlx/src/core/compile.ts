/** Compiled functions: traced once per input shape, then replayed with fused operations. */
import { InvalidArgumentError } from "../errors.ts";
import { adopt, adoptAll, handleOf, MxArray } from "./array.ts";
import { backend } from "./device.ts";
import { native } from "./native.ts";
import { tidy } from "./tidy.ts";

/** Options of `compile`. */
export interface CompileOptions {
  /** Trace once for all shapes of the same rank. Default false: once per shape. */
  shapeless?: boolean;
  /** Arrays the function reads besides its arguments and that may change between calls. Default none. */
  captured?: () => readonly MxArray[];
}

let nextId = 1;
let isEnabled: boolean | undefined;

const released = new FinalizationRegistry<number>((id) => native.eraseCompiled(id));

/**
 * Turns compilation on or off for this process. Off by default on the CPU, where libmlx would run a C++ compiler
 * for each traced function.
 */
export const setCompileEnabled = (on: boolean): void => {
  isEnabled = on;
  native.setCompileEnabled(on);
};

const applyDefault = (): void => {
  if (isEnabled === undefined) setCompileEnabled(backend() !== "cpu");
};

/**
 * A version of `fn` that libmlx optimises as a whole. `fn` must be pure: it runs only while tracing.
 *
 * @throws {InvalidArgumentError} when `fn` returns something other than arrays
 */
export const compile = (
  fn: (...inputs: MxArray[]) => MxArray | MxArray[],
  { shapeless = false, captured = () => [] }: CompileOptions = {},
): ((...inputs: MxArray[]) => MxArray[]) => {
  applyDefault();
  const id = nextId++;
  const compiled = (...inputs: MxArray[]): MxArray[] => {
    const outside = captured();
    const trace = (slots: number[]): number[] => traceWith(fn, slots, inputs.length, outside);
    // the scope frees what tracing makes
    return tidy(() =>
      adoptAll(native.callCompiled(id, trace, [...inputs, ...outside].map(handleOf), shapeless)),
    );
  };
  released.register(compiled, id);
  return compiled;
};

/** Runs `fn` on tracer arrays, with the captured arrays standing for their tracers meanwhile. */
const traceWith = (
  fn: (...inputs: MxArray[]) => MxArray | MxArray[],
  slots: readonly number[],
  inputCount: number,
  outside: readonly MxArray[],
): number[] => {
  const tracers = slots.map(adopt);
  const previous = outside.map((a) => a.slot);
  outside.forEach((a, i) => {
    a.slot = tracers[inputCount + i]?.slot ?? a.slot;
  });
  try {
    const result = fn(...tracers.slice(0, inputCount));
    const outputs = Array.isArray(result) ? result : [result];
    if (!outputs.every((o) => o instanceof MxArray)) {
      throw new InvalidArgumentError("A compiled function must return an array or a list of arrays");
    }
    return outputs.map(handleOf);
  } finally {
    outside.forEach((a, i) => {
      a.slot = previous[i] ?? a.slot;
    });
  }
};
