/** Arguments for native functions: what fits a parameter, and what nobody should pass. */
import type { Random } from "./random.ts";
import type { Parameter } from "./signatures.ts";

const SIZES = [0, 1, 2, 3, 4, 8, 32, 64];
const LIMITS = [-(2 ** 31), 2 ** 31 - 1, -1, 2 ** 30, 65536];

/** What the generators may touch while an argument is being read. */
export interface World {
  readonly random: Random;
  /** A slot of an evaluated small array. */
  slot(): number;
  /** Releases and makes arrays in the middle of a call. */
  disturb(): void;
  /** A function to compile: gives its arrays back. */
  traced(slots: number[]): number[];
  readonly file: string;
}

const small = (random: Random): number => random.below(9) - 3;

const integer = (random: Random): number => {
  if (random.chance(0.7)) return small(random);
  return random.chance(0.8) ? random.pick(SIZES) : random.pick(LIMITS);
};

const integers = (random: Random): number[] =>
  Array.from({ length: random.below(5) }, () =>
    random.chance(0.9) ? random.pick([0, 1, 2, 3, 4]) : integer(random),
  );

const texts: Readonly<Record<string, readonly string[]>> = {
  mode: ["affine", "mxfp4", "nvfp4", "mxfp8", "constant", "edge", "?"],
  maskMode: ["", "causal", "array", "?"],
  side: ["left", "right", ""],
  indexing: ["ij", "xy", "?"],
  subscripts: ["ij,jk->ik", "i,j->ij", "ii->i", "ij->", "i", "->", "...i->i", "ab,bc,cd->ad", "i,i,i->", "☃"],
};

const named = (world: World, name: string): unknown => {
  const { random } = world;
  if (/dtype/i.test(name)) return random.below(14);
  if (name === "groupSize") return random.pick([16, 32, 64, 128, 0, -32]);
  if (name === "bits") return random.pick([2, 3, 4, 5, 6, 8, 0, 16]);
  if (name === "path")
    return random.pick([world.file, "/", "/no/such/file", `${world.file}\0`, "é".repeat(40)]);
  if (name === "type") return random.pick([0, 1, 2, 3, 8, 12, 14, 30, -1]);
  return undefined;
};

const typed = (world: World, { name, type }: Parameter): unknown => {
  const { random } = world;
  const list = (make: () => unknown) => Array.from({ length: random.below(4) }, make);
  if (type.includes("=>")) return random.pick([world.traced, () => [], () => 1, () => [[]]]);
  if (type === "Slot") return random.chance(0.85) ? world.slot() : random.pick([0, -1, -9, 1e6]);
  if (type === "readonly Slot[]") return list(() => world.slot());
  if (type === "boolean") return random.chance(0.5);
  if (type === "string") return random.pick(texts[name] ?? ["", "x"]);
  if (type === "Int32Array") return Int32Array.from(integers(random));
  if (type === "ArrayBufferView") return new Float32Array(random.below(5));
  if (type.includes("null") && random.chance(0.4)) return undefined;
  if (type.startsWith("number | readonly number[]"))
    return random.chance(0.5) ? integer(random) : integers(random);
  if (type.startsWith("readonly number[]")) return integers(random);
  return random.chance(0.9) ? integer(random) : random.pick([0.5, 1e-6, 1e308, Number.NaN]);
};

/** A value that the parameter's declaration allows, often one that makes sense. */
const fitting = (world: World, parameter: Parameter): unknown => {
  if (world.random.chance(0.8)) {
    const value = named(world, parameter.name);
    if (value !== undefined) return value;
  }
  return typed(world, parameter);
};

const withGetter = (get: () => unknown): unknown[] => {
  const list: unknown[] = [2, 2];
  Object.defineProperty(list, 0, { get });
  return list;
};

const detached = (): Float32Array => {
  const view = new Float32Array(4);
  structuredClone(view, { transfer: [view.buffer] });
  return view;
};

const fail = (): never => {
  throw new Error("thrown by a getter");
};

const trap = new Proxy({}, { get: fail, has: fail, ownKeys: fail });

const hostile: readonly ((world: World) => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => 10n ** 30n,
  () => Symbol("slot"),
  () => fail,
  () => trap,
  () => new Proxy([1, 2], { get: fail }),
  () => ({ valueOf: fail, length: 3 }),
  () => withGetter(fail),
  (world) =>
    withGetter(() => {
      world.disturb();
      return 2;
    }),
  (world) => {
    const list: unknown[] = withGetter(() => {
      list.length = 0;
      return world.slot();
    });
    return list;
  },
  () => new Array(2 ** 32 - 1),
  () => [[1], "2", null],
  () => Object.freeze([1, 2, 3]),
  () => "",
  () => `${"x".repeat(62)}é`,
  () => "\ud800",
  () => "9".repeat(100_000),
  () => new Float32Array(3),
  () => new Int32Array(3),
  () => new BigInt64Array(2),
  () => new Uint8Array(new SharedArrayBuffer(8)),
  () => new DataView(new ArrayBuffer(8)),
  detached,
  () => new Date(Number.NaN),
  ({ random }) =>
    random.pick([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      -0,
      1e308,
      2 ** 31,
      2 ** 32 + 1,
      2 ** 53,
      -(2 ** 31),
      0.1,
    ]),
  ({ random }) => Array.from({ length: 3 }, () => random.pick([2 ** 30, 2 ** 31 - 1, -1, 0])),
  ({ random }) => new Array(random.below(20)).fill(1),
];

/** A value that no declaration allows, or one at the edge of what numbers are. */
const junk = (world: World): unknown => world.random.pick(hostile)(world);

/** Arguments for one call: mostly fitting, sometimes with junk among them, too few or too many. */
export const makeArguments = (world: World, parameters: readonly Parameter[] | undefined): unknown[] => {
  const { random } = world;
  if (parameters === undefined || random.chance(0.1)) {
    return Array.from({ length: random.below(20) }, () => junk(world));
  }
  const spoil = random.chance(0.5) ? 0 : random.pick([0.1, 0.3, 0.6]);
  const args = parameters.map((p) => (random.chance(spoil) ? junk(world) : fitting(world, p)));
  if (random.chance(0.05)) args.length = random.below(args.length + 1);
  return args;
};

/** An accepted call with some arguments exchanged. */
export const spoilArguments = (
  world: World,
  args: readonly unknown[],
  parameters: readonly Parameter[],
): unknown[] => {
  const { random } = world;
  const spoil = random.pick([0.15, 0.4]);
  return args.map((arg, i) => {
    const parameter = parameters[i];
    if (parameter === undefined || !random.chance(spoil)) return arg;
    return random.chance(0.3) ? junk(world) : fitting(world, parameter);
  });
};
