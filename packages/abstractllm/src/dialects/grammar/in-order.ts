import { type Grammar, optional } from "./grammar.ts";

/** One of several members. */
export interface Member {
  readonly written: Grammar;
  readonly isRequired: boolean;
}

/** Members in their order with a separator between each two; those that are not required may be left out. */
export function inOrder(members: readonly Member[], separator: string): Grammar {
  const behind = (rest: readonly Member[]): Grammar =>
    rest.map(({ written, isRequired }) =>
      isRequired ? [separator, written] : optional([separator, written]),
    );
  const required = members.findIndex(({ isRequired }) => isRequired);
  const first = members[required];
  if (first === undefined) {
    const from = members.map(({ written }, i) => [written, behind(members.slice(i + 1))]);
    return { anyOf: [...from, ""] };
  }
  const before = members.slice(0, required).map(({ written }) => optional([written, separator]));
  return [before, first.written, behind(members.slice(required + 1))];
}
