/** Freeing intermediates: `tidy`, `keep`, `replace`. */
import { InvalidArgumentError } from "../errors.ts";
import { adopt, handleOf, type MxArray } from "./array.ts";
import { native } from "./native.ts";
import { closeScope, openScope, type Scope } from "./scope.ts";
import { treeLeaves } from "./tree.ts";

const releaseMembers = (scope: Scope): void => {
  const slots: number[] = [];
  for (const member of scope.members) {
    if (member.scope !== scope || member.slot === 0) continue; // kept, moved or disposed meanwhile
    slots.push(member.slot);
    const array = member as MxArray;
    array.slot = 0;
    array.scope = undefined;
  }
  native.releaseAll(slots);
};

/**
 * Runs `fn` and frees every array made inside, except those in the tree it returns and those passed to
 * {@link keep}. Scopes nest.
 *
 * @throws {InvalidArgumentError} when `fn` is asynchronous: the scope ends when `fn` returns
 * @example const next = mx.tidy(() => mx.argmax(model.forward(tokens), -1));
 */
export const tidy = <T>(fn: () => T): T => {
  const scope = openScope();
  let result: T;
  try {
    result = fn();
    if (result instanceof Promise) {
      result.catch(() => {}); // its arrays are gone; the error below tells why
      throw new InvalidArgumentError("tidy takes a synchronous function: arrays are freed when it returns");
    }
    for (const array of treeLeaves(result)) if (array.scope === scope) array.moveTo(scope.parent);
  } finally {
    closeScope(scope);
    releaseMembers(scope);
  }
  return result;
};

/** Takes an array out of all {@link tidy} scopes; the caller disposes it, or the garbage collector does. */
export const keep = (array: MxArray): MxArray => {
  if (array.scope !== undefined) array.moveTo(undefined);
  return array;
};

/** Another reference to the same array, which is disposed on its own. */
export const share = (array: MxArray): MxArray => adopt(native.share(handleOf(array)));

/** Keeps `next` and disposes `previous`: how state that outlives a scope moves forward. */
export const replace = (previous: MxArray | undefined, next: MxArray): MxArray => {
  if (previous !== next) previous?.dispose();
  return keep(next);
};
