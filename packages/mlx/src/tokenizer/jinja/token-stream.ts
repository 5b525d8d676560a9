import type { TemplateError } from "../../errors.ts";
import { type Token, type TokenKind, tokenize } from "./lexer.ts";
import { syntaxError } from "./template-failure.ts";

const EOF: Token = { kind: "eof", value: "", line: 0 };

/** Tokens with a place to read at. */
export class TokenStream {
  private readonly tokens: Token[];
  private at = 0;

  constructor(source: string) {
    this.tokens = tokenize(source);
  }

  get current(): Token {
    return this.tokens[this.at] ?? EOF;
  }

  peek(): Token {
    return this.tokens[this.at + 1] ?? EOF;
  }

  next(): Token {
    const token = this.current;
    if (token.kind !== "eof") this.at++;
    return token;
  }

  is(kind: TokenKind, value: string): boolean {
    return this.current.kind === kind && this.current.value === value;
  }

  /** Goes past a token if it is there. */
  skip(kind: TokenKind, value: string): boolean {
    const found = this.is(kind, value);
    if (found) this.at++;
    return found;
  }

  expect(kind: TokenKind, value?: string): Token {
    if (this.current.kind !== kind || (value !== undefined && this.current.value !== value)) {
      throw this.unexpected(value === undefined ? kind : `'${value}'`);
    }
    return this.next();
  }

  unexpected(expected: string): TemplateError {
    const { kind, value, line } = this.current;
    return syntaxError(
      `expected ${expected}, got ${kind === "eof" ? "end of template" : `'${value}'`}`,
      line,
    );
  }
}
