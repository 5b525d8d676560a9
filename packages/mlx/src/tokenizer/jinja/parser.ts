import type { Expression, FilterStep, MacroNode, Parameter, Statement } from "./ast.ts";
import { ExpressionParser } from "./expression-parser.ts";
import { syntaxError } from "./template-failure.ts";

/** Deepest nesting of blocks. */
const MAX_BLOCKS = 64;

/**
 * Parses a template into its statements.
 *
 * @throws {TemplateError} when it is not valid Jinja, or uses what needs other templates (include, import, extends)
 */
export function parseTemplate(source: string): Statement[] {
  return new StatementParser(source).parse();
}

class StatementParser extends ExpressionParser {
  private blocks = 0;
  private loops = 0;

  parse(): Statement[] {
    const body = this.body([]);
    if (this.tokens.current.kind !== "eof") throw this.tokens.unexpected("end of template");
    return body;
  }

  /** Statements up to `{% <one of ends>`; the begin token is taken, the name is not. */
  private body(ends: readonly string[]): Statement[] {
    if (++this.blocks > MAX_BLOCKS)
      throw syntaxError("blocks are nested too deeply", this.tokens.current.line);
    const statements: Statement[] = [];
    for (;;) {
      const token = this.tokens.next();
      const { line } = token;
      if (token.kind === "text") statements.push({ kind: "text", text: token.value, line });
      else if (token.kind === "begin" && token.value === "{{") {
        statements.push({ kind: "output", value: this.parseTuple(), line });
        this.tokens.expect("end", "}}");
      } else if (token.kind === "begin") {
        if (ends.includes(this.tokens.current.value) && this.tokens.current.kind === "name") break;
        statements.push(...this.statement(line));
      } else {
        if (ends.length > 0)
          throw syntaxError(`unexpected end of template, expected '${ends.join("' or '")}'`, line);
        break;
      }
    }
    this.blocks--;
    return statements;
  }

  /** A body and its `{% end… %}`. */
  private bodyUntil(end: string): Statement[] {
    this.blockEnd();
    const statements = this.body([end]);
    this.tokens.expect("name", end);
    this.blockEnd();
    return statements;
  }

  private blockEnd(): void {
    this.tokens.expect("end", "%}");
  }

  private statement(line: number): Statement[] {
    const tag = this.tokens.expect("name").value;
    switch (tag) {
      case "if":
        return [this.ifStatement(line)];
      case "for":
        return [this.forStatement(line)];
      case "set":
        return [this.setStatement(line)];
      case "macro":
        return [{ kind: "macro", macro: this.macro(), line }];
      case "call":
        return [this.callBlock(line)];
      case "filter":
        return [
          { kind: "filter-block", filters: this.parseFilterSteps(), body: this.bodyUntil("endfilter"), line },
        ];
      case "with":
        return [this.withStatement(line)];
      case "generation":
        return [{ kind: "scope", body: this.bodyUntil("endgeneration"), line }];
      case "autoescape":
        this.parseExpression();
        return [{ kind: "scope", body: this.bodyUntil("endautoescape"), line }];
      case "block":
        return [this.blockStatement(line)];
      case "print":
        return this.printStatement(line);
      case "break":
      case "continue":
        if (this.loops === 0) throw syntaxError(`'${tag}' outside of a loop`, line);
        this.blockEnd();
        return [{ kind: tag, line }];
      default:
        throw syntaxError(`unknown or unsupported tag '${tag}'`, line);
    }
  }

  private printStatement(line: number): Statement[] {
    const statements: Statement[] = [];
    while (this.tokens.current.kind !== "end") {
      if (statements.length > 0) this.tokens.expect("operator", ",");
      statements.push({ kind: "output", value: this.parseExpression(), line });
    }
    this.blockEnd();
    return statements;
  }

  private ifStatement(line: number): Statement {
    const branches: { test: Expression; body: Statement[] }[] = [];
    let otherwise: Statement[] = [];
    for (;;) {
      const test = this.parseTuple({ conditions: false });
      this.blockEnd();
      branches.push({ test, body: this.body(["elif", "else", "endif"]) });
      const next = this.tokens.next().value;
      if (next === "elif") continue;
      if (next === "else") {
        this.blockEnd();
        otherwise = this.body(["endif"]);
        this.tokens.next();
      }
      this.blockEnd();
      return { kind: "if", branches, otherwise, line };
    }
  }

  private forStatement(line: number): Statement {
    const target = this.parseTarget(false);
    this.tokens.expect("name", "in");
    const iterable = this.parseTuple({ conditions: false, ends: ["recursive"] });
    const test = this.tokens.skip("name", "if") ? this.parseExpression() : undefined;
    const recursive = this.tokens.skip("name", "recursive");
    this.blockEnd();
    this.loops++;
    const body = this.body(["else", "endfor"]);
    this.loops--;
    let otherwise: Statement[] = [];
    if (this.tokens.next().value === "else") {
      this.blockEnd();
      otherwise = this.body(["endfor"]);
      this.tokens.next();
    }
    this.blockEnd();
    return { kind: "for", target, iterable, test, recursive, body, otherwise, line };
  }

  private setStatement(line: number): Statement {
    const target = this.parseTarget(true);
    if (this.tokens.skip("operator", "=")) {
      const value = this.parseTuple();
      this.blockEnd();
      return { kind: "set", target, value, line };
    }
    const filters: FilterStep[] = this.tokens.skip("operator", "|") ? this.parseFilterSteps() : [];
    return { kind: "set-block", target, filters, body: this.bodyUntil("endset"), line };
  }

  private macro(): MacroNode {
    const name = this.tokens.expect("name").value;
    const parameters = this.parameters();
    return { name, parameters, body: this.macroBody("endmacro") };
  }

  private callBlock(line: number): Statement {
    const parameters = this.tokens.is("operator", "(") ? this.parameters() : [];
    const call = this.parseExpression();
    if (call.kind !== "call") throw syntaxError("expected call", line);
    return {
      kind: "call-block",
      call,
      macro: { name: undefined, parameters, body: this.macroBody("endcall") },
      line,
    };
  }

  /** `break` inside a macro does not reach a loop around it. */
  private macroBody(end: string): Statement[] {
    const { loops } = this;
    this.loops = 0;
    const body = this.bodyUntil(end);
    this.loops = loops;
    return body;
  }

  private parameters(): Parameter[] {
    const parameters: Parameter[] = [];
    this.tokens.expect("operator", "(");
    while (!this.tokens.skip("operator", ")")) {
      if (parameters.length > 0) this.tokens.expect("operator", ",");
      const { value: name, line } = this.tokens.expect("name");
      const standard = this.tokens.skip("operator", "=") ? this.parseExpression() : undefined;
      if (standard === undefined && parameters.at(-1)?.standard !== undefined) {
        throw syntaxError("non-default argument follows default argument", line);
      }
      parameters.push({ name, standard });
    }
    return parameters;
  }

  private withStatement(line: number): Statement {
    const assignments: { target: ReturnType<StatementParser["parseTarget"]>; value: Expression }[] = [];
    while (this.tokens.current.kind !== "end") {
      if (assignments.length > 0) this.tokens.expect("operator", ",");
      const target = this.parseTarget(false);
      this.tokens.expect("operator", "=");
      assignments.push({ target, value: this.parseExpression() });
    }
    return { kind: "with", assignments, body: this.bodyUntil("endwith"), line };
  }

  private blockStatement(line: number): Statement {
    this.tokens.expect("name");
    this.tokens.skip("name", "scoped");
    this.tokens.skip("name", "required");
    this.blockEnd();
    const body = this.body(["endblock"]);
    this.tokens.next();
    if (this.tokens.current.kind === "name") this.tokens.next();
    this.blockEnd();
    return { kind: "scope", body, line };
  }
}
