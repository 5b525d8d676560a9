import { UsageError } from "../usage-error.ts";

/**
 * The only name among a command's arguments.
 *
 * @throws {UsageError} when there is none or there are several
 */
export function oneName(names: readonly string[], action: string): string {
  const [name, ...others] = names;
  if (name !== undefined && others.length === 0) return name;
  throw new UsageError(`Expected one model for models ${action} but received ${names.length}`);
}
