/** Syntax tree of a template, in Jinja's own terms. */

interface KeywordArgument {
  name: string;
  value: Expression;
}

/** Arguments of a call, filter or test. */
export interface Arguments {
  positional: Expression[];
  keywords: KeywordArgument[];
  /** `*items` */
  spread?: Expression;
  /** `**mapping` */
  keywordSpread?: Expression;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**";
export type CompareOperator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in";

export type Expression =
  | { kind: "constant"; value: null | boolean | number | string }
  | { kind: "float"; value: number }
  | { kind: "name"; name: string }
  | { kind: "list" | "tuple"; items: Expression[] }
  | { kind: "dict"; items: [Expression, Expression][] }
  | { kind: "attribute"; object: Expression; name: string }
  | { kind: "item"; object: Expression; index: Expression }
  | {
      kind: "slice";
      object: Expression;
      start: Expression | undefined;
      stop: Expression | undefined;
      step: Expression | undefined;
    }
  | { kind: "call"; callee: Expression; args: Arguments }
  | { kind: "filter"; name: string; operand: Expression; args: Arguments }
  | { kind: "test"; name: string; operand: Expression; args: Arguments; negated: boolean }
  | { kind: "unary"; operator: "-" | "+" | "not"; operand: Expression }
  | { kind: "binary"; operator: BinaryOperator; left: Expression; right: Expression }
  | { kind: "concat"; parts: Expression[] }
  | { kind: "and" | "or"; left: Expression; right: Expression }
  | { kind: "compare"; first: Expression; rest: { operator: CompareOperator; value: Expression }[] }
  | { kind: "condition"; test: Expression; yes: Expression; no: Expression | undefined };

/** What a loop or `set` assigns to. */
export type Target =
  | { kind: "name"; name: string }
  | { kind: "tuple"; items: Target[] }
  | { kind: "namespace"; name: string; attribute: string };

export interface Parameter {
  name: string;
  standard: Expression | undefined;
}

export interface MacroNode {
  name: string | undefined;
  parameters: Parameter[];
  body: Statement[];
}

/** A filter application without its operand, as in `{% filter upper %}`. */
export interface FilterStep {
  name: string;
  args: Arguments;
}

export type Statement = { line: number } & (
  | { kind: "text"; text: string }
  | { kind: "output"; value: Expression }
  | { kind: "if"; branches: { test: Expression; body: Statement[] }[]; otherwise: Statement[] }
  | {
      kind: "for";
      target: Target;
      iterable: Expression;
      test: Expression | undefined;
      recursive: boolean;
      body: Statement[];
      otherwise: Statement[];
    }
  | { kind: "set"; target: Target; value: Expression }
  | { kind: "set-block"; target: Target; filters: FilterStep[]; body: Statement[] }
  | { kind: "macro"; macro: MacroNode }
  | { kind: "call-block"; macro: MacroNode; call: Expression }
  | { kind: "filter-block"; filters: FilterStep[]; body: Statement[] }
  | { kind: "with"; assignments: { target: Target; value: Expression }[]; body: Statement[] }
  | { kind: "scope"; body: Statement[] }
  | { kind: "break" | "continue" }
);
