import { TemplateError } from "../../errors.ts";

/** Longest part of a template's own words that an error repeats. */
const MAX_MESSAGE = 2000;

/** A template that cannot be read; `line` counts from 1. */
export function syntaxError(message: string, line: number): TemplateError {
  return new TemplateError(`Chat template, line ${line}: ${message.slice(0, MAX_MESSAGE)}`, {
    details: { problem: "syntax", line },
  });
}

/** An operation that fails in Python too, in Python's words; the interpreter adds the line. */
export function runtimeError(message: string): TemplateError {
  return new TemplateError(message.slice(0, MAX_MESSAGE), { details: { problem: "runtime" } });
}

/** What `raise_exception` in a template throws: the template's own message. */
export function raisedError(message: string): TemplateError {
  return new TemplateError(message.slice(0, MAX_MESSAGE), { details: { problem: "raised" } });
}

/** A template that ran over one of its limits. */
export function limitError(limit: string, message: string): TemplateError {
  return new TemplateError(
    `${message} The template is broken or hostile; a trusted one can be given higher limits.`,
    { details: { problem: "limit", limit } },
  );
}
