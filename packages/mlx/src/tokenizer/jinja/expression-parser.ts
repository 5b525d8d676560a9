import type { Arguments, BinaryOperator, CompareOperator, Expression, FilterStep, Target } from "./ast.ts";
import { syntaxError } from "./template-failure.ts";
import { TokenStream } from "./token-stream.ts";

/** Deepest nesting of an expression: far above real templates, far below the native stack. */
const MAX_NESTING = 100;
/** Longest chain of operators, whose tree leans to the left and is walked recursively. */
const MAX_CHAIN = 1000;

const CONSTANTS: ReadonlyMap<string, null | boolean> = new Map([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);
const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">="]);
const PRODUCTS = new Set(["*", "/", "//", "%"]);
/** Names after a test that go on with the expression instead of being its argument. */
const AFTER_TEST = new Set(["else", "or", "and"]);

/** Parses Jinja expressions by recursive descent. @see jinja2 3.1 parser.py */
export class ExpressionParser {
  protected readonly tokens: TokenStream;
  private nesting = 0;

  constructor(source: string) {
    this.tokens = new TokenStream(source);
  }

  parseExpression(): Expression {
    return this.nested(() => this.condition());
  }

  /** One expression, or a tuple when commas follow. */
  protected parseTuple(options: { conditions?: boolean; ends?: string[] } = {}): Expression {
    const element = () =>
      options.conditions === false ? this.nested(() => this.or()) : this.parseExpression();
    const items: Expression[] = [];
    let isTuple = false;
    while (!this.atTupleEnd(options.ends ?? [])) {
      items.push(element());
      if (!this.tokens.skip("operator", ",")) break;
      isTuple = true;
    }
    const only = items[0];
    if (isTuple || only === undefined) {
      if (!isTuple) throw this.tokens.unexpected("an expression");
      return { kind: "tuple", items };
    }
    return only;
  }

  private atTupleEnd(ends: string[]): boolean {
    const { kind, value } = this.tokens.current;
    return (
      kind === "end" ||
      kind === "eof" ||
      (kind === "operator" && value === ")") ||
      (kind === "name" && ends.includes(value))
    );
  }

  protected parseTarget(withNamespace: boolean): Target {
    const items = [this.singleTarget(withNamespace)];
    let isTuple = false;
    while (this.tokens.skip("operator", ",")) {
      isTuple = true;
      // a comma may end the list
      const { kind, value } = this.tokens.current;
      if (!(kind === "name" && value !== "in") && !(kind === "operator" && value === "(")) break;
      items.push(this.singleTarget(false));
    }
    const only = items[0];
    return isTuple || only === undefined ? { kind: "tuple", items } : only;
  }

  private singleTarget(withNamespace: boolean): Target {
    if (this.tokens.skip("operator", "(")) {
      const target = this.nested(() => this.parseTarget(false));
      this.tokens.expect("operator", ")");
      return target;
    }
    const name = this.tokens.expect("name").value;
    if (CONSTANTS.has(name)) throw syntaxError(`can't assign to '${name}'`, this.tokens.current.line);
    if (!withNamespace || !this.tokens.skip("operator", ".")) return { kind: "name", name };
    return { kind: "namespace", name, attribute: this.tokens.expect("name").value };
  }

  /** `name(args) | name(args)`, without the operand. */
  protected parseFilterSteps(): FilterStep[] {
    const steps: FilterStep[] = [];
    do steps.push(this.filterStep());
    while (this.tokens.skip("operator", "|"));
    return steps;
  }

  private nested<T>(parse: () => T): T {
    if (++this.nesting > MAX_NESTING)
      throw syntaxError("expressions are nested too deeply", this.tokens.current.line);
    const result = parse();
    this.nesting--;
    return result;
  }

  private chain(count: number): void {
    if (count > MAX_CHAIN)
      throw syntaxError(`more than ${MAX_CHAIN} operators in a row`, this.tokens.current.line);
  }

  private condition(): Expression {
    let yes = this.or();
    for (let count = 1; this.tokens.skip("name", "if"); count++) {
      this.chain(count);
      const test = this.or();
      const no = this.tokens.skip("name", "else") ? this.nested(() => this.condition()) : undefined;
      yes = { kind: "condition", test, yes, no };
    }
    return yes;
  }

  private or(): Expression {
    let left = this.and();
    for (let count = 1; this.tokens.skip("name", "or"); count++) {
      this.chain(count);
      left = { kind: "or", left, right: this.and() };
    }
    return left;
  }

  private and(): Expression {
    let left = this.not();
    for (let count = 1; this.tokens.skip("name", "and"); count++) {
      this.chain(count);
      left = { kind: "and", left, right: this.not() };
    }
    return left;
  }

  private not(): Expression {
    if (!this.tokens.skip("name", "not")) return this.compare();
    return { kind: "unary", operator: "not", operand: this.nested(() => this.not()) };
  }

  private compare(): Expression {
    const first = this.sum();
    const rest: { operator: CompareOperator; value: Expression }[] = [];
    for (let operator = this.comparison(); operator !== undefined; operator = this.comparison()) {
      this.chain(rest.length);
      rest.push({ operator, value: this.sum() });
    }
    return rest.length === 0 ? first : { kind: "compare", first, rest };
  }

  private comparison(): CompareOperator | undefined {
    const { kind, value } = this.tokens.current;
    if (kind === "operator" && COMPARISONS.has(value)) {
      this.tokens.next();
      return value as CompareOperator;
    }
    if (this.tokens.skip("name", "in")) return "in";
    const following = this.tokens.peek();
    if (kind === "name" && value === "not" && following.kind === "name" && following.value === "in") {
      this.tokens.next();
      this.tokens.next();
      return "not in";
    }
    return undefined;
  }

  private sum(): Expression {
    return this.leftAssociative(
      (value) => value === "+" || value === "-",
      () => this.concat(),
    );
  }

  private concat(): Expression {
    const parts = [this.product()];
    while (this.tokens.skip("operator", "~")) parts.push(this.product());
    const only = parts[0];
    return parts.length === 1 && only !== undefined ? only : { kind: "concat", parts };
  }

  private product(): Expression {
    return this.leftAssociative(
      (value) => PRODUCTS.has(value),
      () => this.power(),
    );
  }

  private power(): Expression {
    return this.leftAssociative(
      (value) => value === "**",
      () => this.unary(true),
    );
  }

  private leftAssociative(matches: (operator: string) => boolean, operand: () => Expression): Expression {
    let left = operand();
    for (
      let count = 1;
      this.tokens.current.kind === "operator" && matches(this.tokens.current.value);
      count++
    ) {
      this.chain(count);
      const operator = this.tokens.next().value as BinaryOperator;
      left = { kind: "binary", operator, left, right: operand() };
    }
    return left;
  }

  private unary(withFilter: boolean): Expression {
    const { kind, value } = this.tokens.current;
    let node: Expression;
    if (kind === "operator" && (value === "-" || value === "+")) {
      this.tokens.next();
      node = { kind: "unary", operator: value, operand: this.nested(() => this.unary(false)) };
    } else {
      node = this.primary();
    }
    node = this.postfix(node);
    return withFilter ? this.filters(node) : node;
  }

  private primary(): Expression {
    const token = this.tokens.next();
    const { kind, value } = token;
    if (kind === "name") {
      const constant = CONSTANTS.get(value);
      return constant === undefined ? { kind: "name", name: value } : { kind: "constant", value: constant };
    }
    if (kind === "string") {
      let text = value;
      while (this.tokens.current.kind === "string") text += this.tokens.next().value;
      return { kind: "constant", value: text };
    }
    if (kind === "integer") return { kind: "constant", value: Number(value.replaceAll("_", "")) };
    if (kind === "float") return { kind: "float", value: Number(value.replaceAll("_", "")) };
    if (kind === "operator" && value === "(") return this.parenthesized();
    if (kind === "operator" && value === "[") return { kind: "list", items: this.listItems() };
    if (kind === "operator" && value === "{") return { kind: "dict", items: this.dictItems() };
    throw syntaxError(`unexpected '${value === "" ? "end of template" : value}'`, token.line);
  }

  private parenthesized(): Expression {
    if (this.tokens.skip("operator", ")")) return { kind: "tuple", items: [] };
    const inside = this.nested(() => this.parseTuple());
    this.tokens.expect("operator", ")");
    return inside;
  }

  private listItems(): Expression[] {
    const items: Expression[] = [];
    while (!this.tokens.skip("operator", "]")) {
      if (items.length > 0) this.tokens.expect("operator", ",");
      if (this.tokens.skip("operator", "]")) break;
      items.push(this.parseExpression());
    }
    return items;
  }

  private dictItems(): [Expression, Expression][] {
    const items: [Expression, Expression][] = [];
    while (!this.tokens.skip("operator", "}")) {
      if (items.length > 0) this.tokens.expect("operator", ",");
      if (this.tokens.skip("operator", "}")) break;
      const key = this.parseExpression();
      this.tokens.expect("operator", ":");
      items.push([key, this.parseExpression()]);
    }
    return items;
  }

  private postfix(start: Expression): Expression {
    let node = start;
    for (let count = 1; ; count++) {
      this.chain(count);
      if (this.tokens.skip("operator", ".")) node = this.attribute(node);
      else if (this.tokens.skip("operator", "[")) node = this.subscript(node);
      else if (this.tokens.is("operator", "("))
        node = { kind: "call", callee: node, args: this.parseArguments() };
      else return node;
    }
  }

  private filters(start: Expression): Expression {
    let node = start;
    for (let count = 1; ; count++) {
      this.chain(count);
      if (this.tokens.skip("operator", "|")) node = { kind: "filter", operand: node, ...this.filterStep() };
      else if (this.tokens.skip("name", "is")) node = this.test(node);
      else if (this.tokens.is("operator", "("))
        node = { kind: "call", callee: node, args: this.parseArguments() };
      else return node;
    }
  }

  private attribute(object: Expression): Expression {
    const token = this.tokens.next();
    if (token.kind === "name") return { kind: "attribute", object, name: token.value };
    if (token.kind !== "integer") throw syntaxError("expected name or number", token.line);
    return { kind: "item", object, index: { kind: "constant", value: Number(token.value) } };
  }

  private subscript(object: Expression): Expression {
    const part = (): Expression | undefined =>
      this.tokens.is("operator", ":") || this.tokens.is("operator", "]") ? undefined : this.parseExpression();
    const first = part();
    if (this.tokens.skip("operator", ":")) {
      const stop = part();
      const step = this.tokens.skip("operator", ":") ? part() : undefined;
      this.tokens.expect("operator", "]");
      return { kind: "slice", object, start: first, stop, step };
    }
    if (first === undefined) throw this.tokens.unexpected("an index");
    const items = [first];
    while (this.tokens.skip("operator", ",")) items.push(this.parseExpression());
    this.tokens.expect("operator", "]");
    return { kind: "item", object, index: items.length === 1 ? first : { kind: "tuple", items } };
  }

  private dottedName(): string {
    let name = this.tokens.expect("name").value;
    while (this.tokens.skip("operator", ".")) name += `.${this.tokens.expect("name").value}`;
    return name;
  }

  private filterStep(): FilterStep {
    const name = this.dottedName();
    return { name, args: this.tokens.is("operator", "(") ? this.parseArguments() : noArguments() };
  }

  private test(operand: Expression): Expression {
    const negated = this.tokens.skip("name", "not");
    const name = this.dottedName();
    let args = noArguments();
    const { kind, value } = this.tokens.current;
    if (kind === "operator" && value === "(") args = this.parseArguments();
    else if (this.startsTestArgument()) {
      if (kind === "name" && value === "is")
        throw syntaxError("You cannot chain multiple tests with is", this.tokens.current.line);
      args.positional.push(this.nested(() => this.postfix(this.primary())));
    }
    return { kind: "test", name, operand, args, negated };
  }

  private startsTestArgument(): boolean {
    const { kind, value } = this.tokens.current;
    if (kind === "name") return !AFTER_TEST.has(value);
    return (
      kind === "string" ||
      kind === "integer" ||
      kind === "float" ||
      (kind === "operator" && (value === "[" || value === "{"))
    );
  }

  protected parseArguments(): Arguments {
    const args = noArguments();
    this.tokens.expect("operator", "(");
    for (let first = true; !this.tokens.skip("operator", ")"); first = false) {
      if (!first) {
        this.tokens.expect("operator", ",");
        if (this.tokens.skip("operator", ")")) break;
      }
      this.argument(args);
    }
    return args;
  }

  private argument(args: Arguments): void {
    if (this.tokens.skip("operator", "*")) args.spread = this.parseExpression();
    else if (this.tokens.skip("operator", "**")) args.keywordSpread = this.parseExpression();
    else if (
      this.tokens.current.kind === "name" &&
      this.tokens.peek().value === "=" &&
      this.tokens.peek().kind === "operator"
    ) {
      const name = this.tokens.next().value;
      this.tokens.next();
      args.keywords.push({ name, value: this.parseExpression() });
    } else {
      if (args.keywords.length > 0)
        throw syntaxError("positional argument after keyword argument", this.tokens.current.line);
      args.positional.push(this.parseExpression());
    }
  }
}

const noArguments = (): Arguments => ({ positional: [], keywords: [] });
