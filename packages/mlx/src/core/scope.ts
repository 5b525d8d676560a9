/** Scopes that own the arrays made in them; `tidy` opens one. Outside of any, the garbage collector owns arrays. */

/** @internal What a scope holds: arrays, without knowing their class. */
export interface ScopeMember {
  scope: Scope | undefined;
  readonly slot: number;
}

/** @internal */
export class Scope {
  readonly members: ScopeMember[] = [];
  readonly parent: Scope | undefined;

  constructor(parent: Scope | undefined) {
    this.parent = parent;
  }
}

let current: Scope | undefined;

/** @internal */
export const currentScope = (): Scope | undefined => current;

/** @internal */
export const openScope = (): Scope => {
  current = new Scope(current);
  return current;
};

/** @internal Closes the innermost scope, which must be `scope`. */
export const closeScope = (scope: Scope): void => {
  current = scope.parent;
};
