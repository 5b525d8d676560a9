/**
 * Calls every function of the addon with random arguments: node --import tsx child.ts <seed> <calls> <trace file>.
 * Prints what it saw; the trace file holds the call that was running when the process died.
 */
import { openSync, writeSync } from "node:fs";
import { inspect } from "node:util";
import { native } from "../../../src/core/native.ts";
import { MlxError } from "../../../src/errors.ts";
import { examples, smallFile } from "./examples.ts";
import { Random } from "./random.ts";
import { type Signature, signatures } from "./signatures.ts";
import { makeArguments, spoilArguments, type World } from "./values.ts";

type AnyFunction = (...args: unknown[]) => unknown;

const [seed = "1", calls = "1000", traceFile = ""] = process.argv.slice(2);
const random = new Random(Number(seed));
const trace = openSync(traceFile, "w");
const addon = native as unknown as Record<string, AnyFunction>;
const names = Object.keys(addon);

/** Operations that read or write wherever the values of an array tell them to, as in MLX: not evaluated. */
const addressing = new Set([
  "gather",
  "gatherMm",
  "gatherQmm",
  "fast_addGatheredRows",
  "fast_quantizedEmbedding",
  "putAlongAxis",
  "scatter",
  "scatterAdd",
  "scatterAddAxis",
  "sliceAt",
  "sliceUpdateAt",
  "take",
  "takeAlongAxis",
]);

/** An argument as the trace shows it: arrays as dtype and shape, and nothing that runs a getter. */
const describe = (arg: unknown): string => {
  if (typeof arg === "number" && pool.includes(arg) && isLive(arg)) {
    const label = `${arg}:${native.dtype(arg)}[${native.shape(arg)}]`;
    return native.size(arg) === 1 && native.dtype(arg) !== 13 ? `${label}=${native.item(arg)}` : label;
  }
  return inspect(arg, {
    depth: 1,
    showProxy: true,
    maxArrayLength: 8,
    maxStringLength: 40,
    breakLength: 1000,
  });
};

/** A call may have released any array. */
const isLive = (slot: number): boolean => {
  try {
    return native.isAvailable(slot);
  } catch {
    return false;
  }
};

const MAX_EVALUATED_BYTES = 1 << 16;
const POOL = 60;
let pool: number[] = [];
/** Made for one call. */
let made: number[] = [];

const shapes = [
  [],
  [0],
  [1],
  [3],
  [4],
  [2, 3],
  [4, 32],
  [3, 0],
  [1, 2, 4, 8],
  [2, 64],
  [32, 32],
  [2, 3, 1, 4],
  [2, 2],
];

const refill = (): void => {
  native.releaseAll(pool);
  pool = [];
  for (let i = 0; i < POOL / 2; i++) {
    const shape = random.pick(shapes);
    const size = shape.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length: size }, () => random.below(9) - 2);
    const base = native.fromBytes(values, shape, 10);
    pool.push(native.astype(base, random.pick([0, 1, 3, 4, 5, 7, 8, 9, 10, 10, 10, 11, 12, 13])));
    native.release(base);
  }
  native.eval(pool);
};

const world: World = {
  random,
  traced: (slots) => {
    made.push(...slots); // a trace leaves its arrays to JavaScript
    return slots;
  },
  file: smallFile(),
  slot: () => (pool.length === 0 ? make([2]) : random.pick(pool)),
  disturb: () => {
    native.releaseAll(pool.splice(0, 10));
    for (let i = 0; i < 10; i++) make([2]);
  },
};

/** Settings of the process that a call may have changed. */
const defaults = { memory: 2 ** 29, cache: native.setCacheLimit(0), stream: native.defaultStream(0) };
const restore = (): void => {
  native.setMemoryLimit(defaults.memory);
  native.setCacheLimit(defaults.cache);
  native.setDefaultDevice(0);
  native.setDefaultStream(defaults.stream, 0);
  addon.forceStock?.(false);
  native.setCompileEnabled(false); // compiled graphs on the CPU start a C++ compiler each
};

const expensive: Readonly<Record<string, (args: unknown[]) => boolean>> = {
  newStream: () => !random.chance(0.02), // a thread each
  splitSections: ([, sections]) => typeof sections === "number" && sections > 1000, // an array each
  configure: ([scalars, factory]) => scalars instanceof Float64Array && typeof factory === "function",
};

const slotsOf = (result: unknown, signature: Signature | undefined): number[] => {
  if (signature?.returns === "Slot") return [result as number];
  return signature?.returns === "Slot[]" ? (result as number[]) : [];
};

const seen = { calls: 0, evaluated: 0, failedEvaluations: 0 };
const results: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]));
const errors: Record<string, number> = {};
/** Functions that left arrays behind when they threw. */
const leaking = new Set<string>();

const attempt = <T>(run: () => T): T | undefined => {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Error)) throw new Error(`threw ${inspect(error)}`);
    const kind = error instanceof MlxError ? error.code : error.message;
    errors[kind] = (errors[kind] ?? 0) + 1;
    return undefined;
  }
};

/** Evaluates what is small and safe to evaluate, and keeps some of it as arguments for later. */
const consume = (slots: readonly number[], isSafe: boolean): void => {
  const isSmall = slots.every((slot) => native.nbytes(slot) <= MAX_EVALUATED_BYTES);
  if (isSmall && isSafe && slots.length < 100) {
    const isDone = attempt(() => {
      native.eval(slots);
      return true;
    });
    if (isDone === true) seen.evaluated++;
    else seen.failedEvaluations++;
    const [first] = slots;
    if (isDone === true && first !== undefined && pool.length < POOL && random.chance(0.2)) {
      pool.push(first);
      native.releaseAll(slots.slice(1));
      return;
    }
  }
  native.releaseAll(slots);
};

const example = examples(world);
const make = (shape: readonly number[], dtype = 10): number => {
  const slot = native.ones(shape, dtype);
  native.eval([slot]);
  made.push(slot);
  return slot;
};

const chooseArguments = (name: string): { args: unknown[]; isExample: boolean } => {
  const parameters = signatures.get(name)?.parameters ?? [];
  const makeExample = example[name];
  if (makeExample === undefined || random.chance(0.3)) {
    return { args: makeArguments(world, signatures.get(name)?.parameters), isExample: false };
  }
  const args = makeExample(make);
  return random.chance(0.2)
    ? { args, isExample: true }
    : { args: spoilArguments(world, args, parameters), isExample: false };
};

const call = (name: string): void => {
  const { args, isExample } = chooseArguments(name);
  if (expensive[name]?.(args) !== true) {
    const text = `${name}(${args.map(describe).join(", ")})`;
    writeSync(trace, text.slice(0, 1000).padEnd(1000), 0);
    seen.calls++;
    const before = native.liveArrays() - made.length;
    const result = attempt(() => ({ value: addon[name]?.(...args) }));
    if (result === undefined) {
      if (native.liveArrays() - made.length > before) leaking.add(name);
    } else {
      results[name] = (results[name] ?? 0) + 1;
      consume(slotsOf(result.value, signatures.get(name)), isExample || !addressing.has(name));
    }
  }
  native.releaseAll(made);
  made = [];
};

refill();
restore();
const goal = Number(calls);
for (let i = 0; seen.calls < goal; i++) {
  if (i % 500 === 0) refill();
  call(names[i % names.length] ?? "");
  restore();
}
native.releaseAll(pool);
// a line of its own: LAPACK writes there too, of numbers that it refuses
process.stdout.write(`\n${JSON.stringify({ ...seen, results, errors, leaking: [...leaking] })}`);
