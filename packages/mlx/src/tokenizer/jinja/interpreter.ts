import { TemplateError } from "../../errors.ts";
import type { MacroNode, Statement, Target } from "./ast.ts";
import type { Budget } from "./budget.ts";
import { Evaluator } from "./evaluator.ts";
import { setNamespace } from "./globals.ts";
import { createLoop } from "./loop-context.ts";
import { isTrue, iterate } from "./operations.ts";
import { Scope } from "./scope.ts";
import { specialNames } from "./special-names.ts";
import { runtimeError } from "./template-failure.ts";
import { toText } from "./text.ts";
import { Callable, type Keywords, Namespace, orElse, PyTuple, Undefined, type Value } from "./values.ts";

type Of<K extends Statement["kind"]> = Extract<Statement, { kind: K }>;

/** How a body ended. */
type Outcome = "done" | "break" | "continue";

/** Collects output within the budget. */
class Output {
  private text = "";
  constructor(private readonly budget: Budget) {}
  write(text: string): void {
    this.budget.addText(this.text.length, text.length);
    this.text += text;
  }
  toString(): string {
    return this.text;
  }
}

/** Runs the statements of a template. */
export class Interpreter extends Evaluator {
  private line = 0;

  /** @throws {TemplateError} when the template fails, raises, or runs over a limit */
  render(statements: Statement[], globals: ReadonlyMap<string, Value>): string {
    const scope = new Scope();
    for (const [name, value] of globals) scope.set(name, value);
    try {
      return this.capture(statements, new Scope(scope));
    } catch (error) {
      throw this.explain(error);
    }
  }

  private explain(error: unknown): unknown {
    if (error instanceof RangeError) {
      return new TemplateError("The chat template is nested too deeply.", {
        cause: error,
        details: { problem: "limit", limit: "depth" },
      });
    }
    if (!TemplateError.isInstance(error) || error.details.problem !== "runtime") return error;
    return new TemplateError(`Chat template, line ${this.line}: ${error.message}`, {
      cause: error,
      details: { ...error.details, line: this.line },
    });
  }

  private capture(body: Statement[], scope: Scope): string {
    const output = new Output(this.budget);
    this.run(body, scope, output);
    return output.toString();
  }

  private run(body: Statement[], scope: Scope, output: Output): Outcome {
    for (const statement of body) {
      this.budget.step();
      this.line = statement.line;
      const outcome = this.execute(statement, scope, output);
      if (outcome !== "done") return outcome;
    }
    return "done";
  }

  private execute(statement: Statement, scope: Scope, output: Output): Outcome {
    switch (statement.kind) {
      case "text":
        output.write(statement.text);
        return "done";
      case "output":
        output.write(toText(this.evaluate(statement.value, scope), this.budget));
        return "done";
      case "if":
        return this.runIf(statement, scope, output);
      case "for":
        this.runFor(statement, scope, output);
        return "done";
      case "set":
        this.assign(statement.target, this.evaluate(statement.value, scope), scope);
        return "done";
      case "set-block":
        this.assign(statement.target, this.filtered(statement, scope), scope);
        return "done";
      case "filter-block":
        output.write(toText(this.filtered(statement, scope), this.budget));
        return "done";
      case "macro":
        scope.set(statement.macro.name ?? "", this.createMacro(statement.macro, scope));
        return "done";
      case "call-block":
        output.write(toText(this.runCall(statement, scope), this.budget));
        return "done";
      case "with":
        return this.runWith(statement, scope, output);
      case "scope":
        return this.run(statement.body, new Scope(scope), output);
      default:
        return statement.kind;
    }
  }

  private runIf(node: Of<"if">, scope: Scope, output: Output): Outcome {
    for (const { test, body } of node.branches) {
      if (isTrue(this.evaluatePlain(test, scope))) return this.run(body, scope, output);
    }
    return this.run(node.otherwise, scope, output);
  }

  private runFor(node: Of<"for">, scope: Scope, output: Output, depth = 1, over?: Value): void {
    const all = iterate(over === undefined ? this.evaluatePlain(node.iterable, scope) : over, this.budget);
    const { test } = node;
    const items =
      test === undefined
        ? all
        : all.filter((item) => isTrue(this.evaluatePlain(test, this.loopScope(node, item, scope))));
    const recurse = new Callable("loop", ([inner]) => {
      const nested = new Output(this.budget);
      this.budget.deeper(() => this.runFor(node, scope, nested, depth + 1, orElse(inner, [])));
      return nested.toString();
    });
    const loop = createLoop(items, depth, this.budget, node.recursive ? recurse : undefined);
    for (const [index, item] of items.entries()) {
      this.budget.step();
      loop.index = index;
      const inside = this.loopScope(node, item, scope);
      inside.set("loop", loop.value);
      if (this.run(node.body, inside, output) === "break") break;
    }
    if (items.length === 0) this.run(node.otherwise, new Scope(scope), output);
  }

  private loopScope(node: Of<"for">, item: Value, scope: Scope): Scope {
    const inside = new Scope(scope);
    this.assign(node.target, item, inside);
    return inside;
  }

  private filtered(node: Of<"set-block" | "filter-block">, scope: Scope): Value {
    let value: Value = this.capture(node.body, new Scope(scope));
    for (const step of node.filters) value = this.filter(value, step, scope);
    return value;
  }

  private runWith(node: Of<"with">, scope: Scope, output: Output): Outcome {
    const inside = new Scope(scope);
    for (const { target, value } of node.assignments)
      this.assign(target, this.evaluate(value, scope), inside);
    return this.run(node.body, inside, output);
  }

  private runCall(node: Of<"call-block">, scope: Scope): Value {
    if (node.call.kind !== "call") throw runtimeError("expected call");
    const callee = this.evaluate(node.call.callee, scope);
    const { args, keywords } = this.arguments(node.call.args, scope);
    return this.call(callee, args, keywords.set("caller", this.createMacro(node.macro, scope)));
  }

  private assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === "name") {
      scope.set(target.name, value);
    } else if (target.kind === "namespace") {
      const namespace = scope.get(target.name);
      if (!(namespace instanceof Namespace))
        throw runtimeError("cannot assign attribute on non-namespace object");
      setNamespace(namespace.attributes, target.attribute, value);
    } else {
      const items = iterate(value, this.budget);
      const expected = target.items.length;
      if (items.length < expected)
        throw runtimeError(`not enough values to unpack (expected ${expected}, got ${items.length})`);
      if (items.length > expected) throw runtimeError(`too many values to unpack (expected ${expected})`);
      for (const [i, part] of target.items.entries()) this.assign(part, items[i] ?? null, scope);
    }
  }

  private createMacro(macro: MacroNode, scope: Scope): Callable {
    const name = macro.name ?? "anonymous";
    const names = macro.parameters.map((parameter) => parameter.name);
    const call = (args: Value[], keywords: Keywords) =>
      this.budget.deeper(() => {
        const inside = new Scope(scope);
        this.bindMacro(name, macro, args, new Map(keywords), inside);
        const { line } = this;
        const text = this.capture(macro.body, inside);
        this.line = line;
        return text;
      });
    return new Callable(
      name,
      call,
      "Macro",
      new Map<string, Value>([
        ["name", name],
        ["arguments", new PyTuple(names)],
      ]),
    );
  }

  private bindMacro(
    name: string,
    macro: MacroNode,
    args: Value[],
    keywords: Map<string, Value>,
    scope: Scope,
  ): void {
    const { parameters } = macro;
    const specials = specialNames(macro);
    const missing: MacroNode["parameters"] = [];
    for (const [i, parameter] of parameters.entries()) {
      const given = args[i] === undefined ? keywords.get(parameter.name) : args[i];
      if (args[i] !== undefined && keywords.has(parameter.name)) {
        throw runtimeError(`macro '${name}' got multiple values for argument '${parameter.name}'`);
      }
      keywords.delete(parameter.name);
      scope.set(
        parameter.name,
        orElse(given, new Undefined(`parameter '${parameter.name}' was not provided`)),
      );
      if (given === undefined) missing.push(parameter);
    }
    for (const { name: parameter, standard } of missing) {
      if (standard !== undefined) scope.set(parameter, this.evaluate(standard, scope));
    }
    const caller = keywords.get("caller");
    if (specials.has("caller")) {
      scope.set("caller", orElse(caller, new Undefined("No caller defined")));
      keywords.delete("caller");
    }
    if (specials.has("kwargs")) scope.set("kwargs", new Map(keywords));
    else if (keywords.size > 0) {
      throw runtimeError(`macro '${name}' takes no keyword argument '${[...keywords.keys()][0]}'`);
    }
    if (specials.has("varargs")) scope.set("varargs", new PyTuple(args.slice(parameters.length)));
    else if (args.length > parameters.length) {
      throw runtimeError(`macro '${name}' takes not more than ${parameters.length} argument(s)`);
    }
  }
}
