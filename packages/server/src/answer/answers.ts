import type { Answer } from "./answer.ts";

/** At least one. */
export type Some<T> = readonly [T, ...T[]];

/** The answers to one request, of which there are several where it asks for choices. */
export type Answers = Some<Answer>;

/** What becomes of each of some things. */
export function mapSome<T, U>([first, ...rest]: Some<T>, change: (each: T, index: number) => U): Some<U> {
  return [change(first, 0), ...rest.map((each, index) => change(each, index + 1))];
}
