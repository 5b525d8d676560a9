/**
 * A copy of options that has nothing but what was given: what a polluted `Object.prototype` holds is no option
 * (CWE-1321).
 */
export function ownOptions<T extends object>(options: T): T {
  return Object.assign(Object.create(null), options);
}
