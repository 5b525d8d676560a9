import { PY_SPACE, trimEnd } from "./python-text.ts";
import { syntaxError } from "./template-failure.ts";
import { unescapeString } from "./unescape-string.ts";

export type TokenKind =
  | "text"
  | "begin"
  | "end"
  | "name"
  | "string"
  | "integer"
  | "float"
  | "operator"
  | "eof";

/** `begin`/`end` have `{{`, `{%`, `}}` or `%}` as value; operators their own spelling. */
export interface Token {
  kind: TokenKind;
  value: string;
  line: number;
}

const OPENERS = /\{%([-+]?)\s*raw\s*(?:-%\}\s*|%\})|\{([%#{])([-+]?)/gu;
const RAW_END = new RegExp(
  `\\{%([-+]?)[${PY_SPACE}]*endraw[${PY_SPACE}]*(?:\\+%\\}|-%\\}[${PY_SPACE}]*|%\\}\\n?)`,
  "gu",
);
const COMMENT_END = new RegExp(`\\+#\\}|-#\\}[${PY_SPACE}]*|#\\}\\n?`, "gu");
const BLOCK_END = new RegExp(`\\+%\\}|-%\\}[${PY_SPACE}]*|%\\}\\n?`, "yu");
const VARIABLE_END = new RegExp(`-\\}\\}[${PY_SPACE}]*|\\}\\}`, "yu");
const SPACE = new RegExp(`[${PY_SPACE}]+`, "yu");
const ONLY_SPACE = new RegExp(`^[${PY_SPACE}]+$`, "u");
const FLOAT = /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?[eE][+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/y;
const INTEGER = /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[0-9a-fA-F])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const NAME = /[\p{L}\p{N}_\p{M}]+/uy;
const STRING = /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y;
const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/**
 * Cuts a template into tokens with `trim_blocks` and `lstrip_blocks` on, as transformers sets them.
 *
 * @throws {TemplateError} at a character or end that does not belong
 * @see jinja2 3.1 lexer.py
 */
export function tokenize(source: string): Token[] {
  return new Lexer(source).run();
}

class Lexer {
  private readonly source: string;
  private readonly tokens: Token[] = [];
  private at = 0;
  private line = 1;
  private lineStarting = true;

  constructor(source: string) {
    const unified = source.replace(/\r\n|\r/g, "\n");
    this.source = unified.endsWith("\n") ? unified.slice(0, -1) : unified;
  }

  run(): Token[] {
    while (this.at < this.source.length) this.root();
    this.push("eof", "");
    return this.tokens;
  }

  /** Text up to the next opener, and what the opener opens. */
  private root(): void {
    OPENERS.lastIndex = this.at;
    const match = OPENERS.exec(this.source);
    if (match === null) {
      this.text(this.source.slice(this.at), "");
      this.at = this.source.length;
      return;
    }
    const type = match[2];
    const sign = match[1] ?? match[3] ?? "";
    this.text(this.source.slice(this.at, match.index), sign, type === "{");
    this.advance(match[0], match.index);
    if (type === undefined) this.raw();
    else if (type === "#") this.comment();
    else this.code(type === "{" ? "{{" : "{%");
  }

  private text(text: string, sign: string, isVariable = true): void {
    let kept = text;
    if (sign === "-") kept = trimEnd(text);
    else if (sign !== "+" && !isVariable) {
      const lineStart = text.lastIndexOf("\n") + 1;
      const atLineStart = lineStart > 0 || this.lineStarting;
      if (atLineStart && ONLY_SPACE.test(text.slice(lineStart))) kept = text.slice(0, lineStart);
    }
    if (kept !== "") this.push("text", kept);
    this.countLines(text);
  }

  private comment(): void {
    COMMENT_END.lastIndex = this.at;
    const match = COMMENT_END.exec(this.source);
    if (match === null) throw syntaxError("Missing end of comment tag", this.line);
    this.countLines(this.source.slice(this.at, match.index));
    this.advance(match[0], match.index);
  }

  private raw(): void {
    RAW_END.lastIndex = this.at;
    const match = RAW_END.exec(this.source);
    if (match === null) throw syntaxError("Missing end of raw directive", this.line);
    this.text(this.source.slice(this.at, match.index), match[1] ?? "", false);
    this.advance(match[0], match.index);
  }

  private code(opener: "{{" | "{%"): void {
    this.push("begin", opener);
    const end = opener === "{{" ? VARIABLE_END : BLOCK_END;
    const open: string[] = [];
    for (;;) {
      if (this.at >= this.source.length)
        throw syntaxError(`unexpected end of template in ${opener}`, this.line);
      const closing = open.length === 0 ? this.take(end) : undefined;
      if (closing !== undefined) {
        this.push("end", opener === "{{" ? "}}" : "%}");
        this.lineStarting = closing.endsWith("\n");
        return;
      }
      if (this.take(SPACE) === undefined) this.token(open);
    }
  }

  private token(open: string[]): void {
    const { line } = this;
    const found =
      this.kind("float", FLOAT) ??
      this.kind("integer", INTEGER) ??
      this.kind("name", NAME) ??
      this.kind("string", STRING) ??
      this.kind("operator", OPERATOR);
    if (found === undefined) {
      throw syntaxError(`unexpected char ${JSON.stringify(this.source.charAt(this.at))}`, line);
    }
    const { kind, value } = found;
    if (kind === "operator") balance(open, value, line);
    this.tokens.push({
      kind,
      line,
      value: kind === "string" ? unescapeString(value.slice(1, -1), line) : value,
    });
  }

  private kind(kind: TokenKind, pattern: RegExp): { kind: TokenKind; value: string } | undefined {
    const value = this.take(pattern);
    return value === undefined ? undefined : { kind, value };
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const text = pattern.exec(this.source)?.[0];
    if (text !== undefined) this.advance(text, this.at);
    return text;
  }

  private advance(matched: string, from: number): void {
    this.at = from + matched.length;
    this.countLines(matched);
    this.lineStarting = matched.endsWith("\n");
  }

  private countLines(text: string): void {
    for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) this.line++;
  }

  private push(kind: TokenKind, value: string): void {
    this.tokens.push({ kind, value, line: this.line });
  }
}

function balance(open: string[], operator: string, line: number): void {
  const closing = CLOSING[operator];
  if (closing !== undefined) open.push(closing);
  else if (operator === ")" || operator === "]" || operator === "}") {
    const expected = open.pop();
    if (expected === undefined) throw syntaxError(`unexpected '${operator}'`, line);
    if (expected !== operator) throw syntaxError(`unexpected '${operator}', expected '${expected}'`, line);
  }
}
