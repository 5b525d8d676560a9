/** The base of layers and models: a tree of named parameters. */
import { type Dtype, isFloating, keep, MxArray, replace } from "../core/index.ts";
import { WeightsError } from "../errors.ts";

type ModuleList = readonly (Module | ModuleList)[];

const isModuleList = (value: unknown): value is ModuleList =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((item) => item instanceof Module || isModuleList(item));

/** The modules in a field by path. */
const modulesIn = (path: string, value: Module | ModuleList): [string, Module][] =>
  value instanceof Module ? [[path, value]] : value.flatMap((item, i) => modulesIn(`${path}.${i}`, item));

const LISTED = 8; // names per kind in an error: enough to see the pattern

const list = (names: readonly string[]): string =>
  names.length <= LISTED
    ? names.join(", ")
    : `${names.slice(0, LISTED).join(", ")} and ${names.length - LISTED} more`;

/**
 * A layer or model. Fields that hold arrays are its parameters and fields that hold modules, or lists of them, its
 * children; a field's name is its part of the weight key. Private (`#`) fields and fields starting with `_` are
 * neither.
 */
export abstract class Module {
  /** Direct parameters by field name. */
  ownParameters(): [string, MxArray][] {
    return Object.entries(this).filter(
      (entry): entry is [string, MxArray] => entry[1] instanceof MxArray && !entry[0].startsWith("_"),
    );
  }

  /** Direct children by path: `self_attn`, `layers.0`. */
  children(): [string, Module][] {
    return Object.entries(this).flatMap(([name, value]: [string, unknown]): [string, Module][] => {
      const isPart = value instanceof Module || isModuleList(value);
      return isPart && !name.startsWith("_") ? modulesIn(name, value) : [];
    });
  }

  /** This module and all below it with their paths, parents first; the root's path is empty. */
  *namedModules(prefix = ""): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of this.children()) {
      yield* child.namedModules(prefix === "" ? name : `${prefix}.${name}`);
    }
  }

  /** All parameters by weight key, in the order of the fields. */
  parameters(): Map<string, MxArray> {
    const found = new Map<string, MxArray>();
    for (const [path, module] of this.namedModules()) {
      for (const [name, array] of module.ownParameters())
        found.set(path === "" ? name : `${path}.${name}`, array);
    }
    return found;
  }

  /**
   * Replaces parameters by the weights of the same key and keeps them; the previous ones are disposed.
   *
   * @param strict - refuse missing and unexpected weights; default true
   * @throws {WeightsError} naming every missing, unexpected or misshapen weight at once
   */
  loadWeights(weights: ReadonlyMap<string, MxArray>, { strict = true }: { strict?: boolean } = {}): void {
    const parameters = this.parameters();
    checkWeights(parameters, weights, strict);
    for (const [path, module] of this.namedModules()) {
      for (const [name, previous] of module.ownParameters()) {
        const next = weights.get(path === "" ? name : `${path}.${name}`);
        if (next !== undefined) Object.assign(module, { [name]: replace(previous, next) });
      }
    }
  }

  /** Replaces every parameter by `fn` of it. */
  mapParameters(fn: (array: MxArray, key: string) => MxArray): void {
    for (const [path, module] of this.namedModules()) {
      for (const [name, array] of module.ownParameters()) {
        const next = fn(array, path === "" ? name : `${path}.${name}`);
        if (next !== array) Object.assign(module, { [name]: replace(array, next) });
      }
    }
  }

  /** Converts all floating parameters, scales included, to `dtype`. */
  castFloating(dtype: Dtype): void {
    this.mapParameters((array) =>
      isFloating(array.dtype) && array.dtype !== dtype ? array.astype(dtype) : array,
    );
  }

  /** Takes all parameters out of `tidy` scopes; constructors of models call it once at the end. */
  keepParameters(): this {
    for (const array of this.parameters().values()) keep(array);
    return this;
  }

  /** Frees all parameters. */
  dispose(): void {
    for (const array of this.parameters().values()) array.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

const checkWeights = (
  parameters: ReadonlyMap<string, MxArray>,
  weights: ReadonlyMap<string, MxArray>,
  strict: boolean,
): void => {
  const missing = [...parameters.keys()].filter((key) => !weights.has(key));
  const unexpected = [...weights.keys()].filter((key) => !parameters.has(key));
  const misshapen = [...parameters].flatMap(([key, parameter]) => {
    const shape = weights.get(key)?.shape.join(",");
    const expected = parameter.shape.join(",");
    return shape === undefined || shape === expected
      ? []
      : [`${key} (expected [${expected}], got [${shape}])`];
  });
  const problems = [
    ...(strict && missing.length > 0 ? [`missing: ${list(missing)}`] : []),
    ...(strict && unexpected.length > 0 ? [`unexpected: ${list(unexpected)}`] : []),
    ...(misshapen.length > 0 ? [`wrong shape: ${list(misshapen)}`] : []),
  ];
  if (problems.length === 0) return;
  throw new WeightsError(`The weights do not fit the model. ${problems.join("; ")}`, {
    details: { missing, unexpected, misshapen },
  });
};
