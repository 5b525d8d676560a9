import { InvalidArgumentError } from "./errors.ts";

/**
 * Refuses options that there are not: a misspelt one would otherwise change nothing in silence.
 *
 * @param known - an object with every option's name as a key
 * @throws {InvalidArgumentError} naming the first unknown option and those that there are
 */
export const checkOptionNames = (given: object, known: Readonly<Record<string, unknown>>): void => {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  throw new InvalidArgumentError(
    `There is no option ${unknown.slice(0, 40)}; the options are ${Object.keys(known).join(", ")}`,
  );
};
