import type { Options } from "./option-table.ts";
import { ownOptions } from "./own-options.ts";

/** A copy with some options changed; credentials stay readable by name and hidden, which a spread would lose. */
export function overrideOptions(options: Options, changes: Options): Options {
  const copy: Options = Object.defineProperties(ownOptions({}), Object.getOwnPropertyDescriptors(options));
  return Object.assign(copy, changes);
}
