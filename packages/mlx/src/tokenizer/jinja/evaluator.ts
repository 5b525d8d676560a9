import { getAttribute, getItem, slice } from "./access.ts";
import type { Arguments, CompareOperator, Expression, FilterStep } from "./ast.ts";
import type { Budget } from "./budget.ts";
import type { FilterContext } from "./filter-context.ts";
import { applyFilter, hasFilter } from "./filters.ts";
import { calculate, compare, concat, contains, isEqual, isTrue, iterate, sign, toKey } from "./operations.ts";
import type { Scope } from "./scope.ts";
import { runtimeError } from "./template-failure.ts";
import { applyTest } from "./tests.ts";
import { toText } from "./text.ts";
import {
  Attributes,
  Callable,
  type Dict,
  type Keywords,
  orElse,
  PyFloat,
  PyTuple,
  plain,
  toFloat,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

type Of<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

/** Evaluates expressions. */
export class Evaluator {
  private readonly filterContext: FilterContext;

  constructor(protected readonly budget: Budget) {
    this.filterContext = {
      budget,
      applyFilter: (name, operand, args, keywords) =>
        applyFilter(name, operand, args, keywords, this.filterContext),
      applyTest: (name, operand, args) => applyTest(name, operand, args, { budget, hasFilter }),
    };
  }

  evaluate(node: Expression, scope: Scope): Value {
    this.budget.step();
    switch (node.kind) {
      case "constant":
        return node.value;
      case "float":
        return Number.isInteger(node.value) ? new PyFloat(node.value) : toFloat(node.value);
      case "name":
        return scope.get(node.name);
      case "list":
        return node.items.map((item) => this.evaluate(item, scope));
      case "tuple":
        return new PyTuple(node.items.map((item) => this.evaluate(item, scope)));
      case "dict":
        return this.dict(node, scope);
      case "attribute":
        return getAttribute(this.evaluatePlain(node.object, scope), node.name, this.budget);
      case "item":
        return getItem(
          this.evaluatePlain(node.object, scope),
          this.evaluatePlain(node.index, scope),
          this.budget,
        );
      case "slice":
        return this.slice(node, scope);
      case "call":
        return this.callNode(node, scope);
      case "filter":
        return this.filter(this.evaluate(node.operand, scope), node, scope);
      case "test":
        return this.test(node, scope);
      case "unary":
        return this.unary(node, scope);
      case "binary":
        return calculate(
          node.operator,
          this.evaluate(node.left, scope),
          this.evaluate(node.right, scope),
          this.budget,
        );
      case "concat":
        return this.concat(node, scope);
      case "and":
      case "or": {
        const left = this.evaluate(node.left, scope);
        return isTrue(plain(left)) === (node.kind === "or") ? left : this.evaluate(node.right, scope);
      }
      case "compare":
        return this.compare(node, scope);
      case "condition":
        return this.condition(node, scope);
    }
  }

  /** A value for an operation that takes a markup for the string it is. */
  protected evaluatePlain(node: Expression, scope: Scope): Value {
    return plain(this.evaluate(node, scope));
  }

  /** Calls a function with values. @throws {TemplateError} when it is not one */
  call(callee: Value, args: Value[], keywords: Keywords): Value {
    const values = callee instanceof Callable && callee.type === "Macro" ? args : args.map(plain);
    if (callee instanceof Callable || (callee instanceof Attributes && callee.call !== undefined)) {
      return orElse(callee.call?.(values, keywords), null);
    }
    throw runtimeError(
      callee instanceof Undefined ? callee.message : `'${typeName(callee)}' object is not callable`,
    );
  }

  protected filter(operand: Value, step: FilterStep, scope: Scope): Value {
    const { args, keywords } = this.arguments(step.args, scope);
    return applyFilter(step.name, operand, args, keywords, this.filterContext);
  }

  protected arguments(node: Arguments, scope: Scope): { args: Value[]; keywords: Map<string, Value> } {
    const args = node.positional.map((argument) => this.evaluate(argument, scope));
    const keywords = new Map<string, Value>();
    for (const { name, value } of node.keywords) keywords.set(name, this.evaluate(value, scope));
    if (node.spread !== undefined)
      args.push(...iterate(this.evaluatePlain(node.spread, scope), this.budget).slice(0, 10_000));
    if (node.keywordSpread !== undefined)
      this.spreadKeywords(this.evaluate(node.keywordSpread, scope), keywords);
    return { args, keywords };
  }

  private spreadKeywords(mapping: Value, keywords: Map<string, Value>): void {
    if (!(mapping instanceof Map))
      throw runtimeError(`argument after ** must be a mapping, not ${typeName(mapping)}`);
    this.budget.items(mapping.size);
    for (const [name, value] of mapping) {
      if (typeof name !== "string") throw runtimeError("keywords must be strings");
      if (keywords.has(name)) throw runtimeError(`got multiple values for keyword argument '${name}'`);
      keywords.set(name, value);
    }
  }

  private callNode(node: Of<"call">, scope: Scope): Value {
    const callee = this.evaluate(node.callee, scope);
    const { args, keywords } = this.arguments(node.args, scope);
    return this.call(callee, args, keywords);
  }

  private dict(node: Of<"dict">, scope: Scope): Dict {
    const dict: Dict = new Map();
    for (const [key, value] of node.items)
      dict.set(toKey(this.evaluatePlain(key, scope)), this.evaluate(value, scope));
    return dict;
  }

  private slice(node: Of<"slice">, scope: Scope): Value {
    const object = this.evaluatePlain(node.object, scope);
    const bounds = [node.start, node.stop, node.step].map((part) =>
      part === undefined ? null : this.evaluatePlain(part, scope),
    );
    return slice(object, bounds, this.budget);
  }

  private test(node: Of<"test">, scope: Scope): boolean {
    const operand = this.evaluatePlain(node.operand, scope);
    const { args } = this.arguments(node.args, scope);
    return applyTest(node.name, operand, args, { budget: this.budget, hasFilter }) !== node.negated;
  }

  private unary(node: Of<"unary">, scope: Scope): Value {
    const operand = this.evaluatePlain(node.operand, scope);
    return node.operator === "not" ? !isTrue(operand) : sign(node.operator, operand);
  }

  private concat(node: Of<"concat">, scope: Scope): string {
    let text = "";
    for (const part of node.parts)
      text = concat(text, toText(this.evaluate(part, scope), this.budget), this.budget);
    return text;
  }

  private compare(node: Of<"compare">, scope: Scope): boolean {
    let left = this.evaluatePlain(node.first, scope);
    for (const { operator, value } of node.rest) {
      const right = this.evaluatePlain(value, scope);
      if (!this.holds(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  private holds(operator: CompareOperator, left: Value, right: Value): boolean {
    switch (operator) {
      case "==":
        return isEqual(left, right, this.budget);
      case "!=":
        return !isEqual(left, right, this.budget);
      case "in":
        return contains(right, left, this.budget);
      case "not in":
        return !contains(right, left, this.budget);
      case "<":
        return compare(left, right, operator, this.budget) < 0;
      case "<=":
        return compare(left, right, operator, this.budget) <= 0;
      case ">":
        return compare(left, right, operator, this.budget) > 0;
      case ">=":
        return compare(left, right, operator, this.budget) >= 0;
    }
  }

  private condition(node: Of<"condition">, scope: Scope): Value {
    if (isTrue(this.evaluatePlain(node.test, scope))) return this.evaluate(node.yes, scope);
    if (node.no !== undefined) return this.evaluate(node.no, scope);
    return new Undefined("the inline if-expression evaluated to false and no else section was defined.");
  }
}
