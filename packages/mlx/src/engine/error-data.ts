/** Errors across the engine boundary. */
import {
  ConfigError,
  InvalidArgumentError,
  MlxError,
  type MlxErrorOptions,
  TemplateError,
  TokenizerError,
  WeightsError,
} from "../errors.ts";
import type { ErrorData } from "./protocol.ts";

const cloneable = (details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  try {
    return structuredClone(details);
  } catch {
    return {}; // details are a convenience; the message stands without them
  }
};

/** The error as data; errors that are not ours count as native failures. */
export const toErrorData = (error: unknown): ErrorData => {
  if (MlxError.isInstance(error)) {
    return {
      code: error.code,
      message: error.message,
      stack: error.stack ?? "",
      details: cloneable(error.details),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return { code: "native", message, stack, details: {} };
};

type Constructor = new (message: string, options?: MlxErrorOptions) => MlxError;

const constructors: Partial<Record<ErrorData["code"], Constructor>> = {
  "invalid-argument": InvalidArgumentError,
  weights: WeightsError,
  config: ConfigError,
  tokenizer: TokenizerError,
  template: TemplateError,
};

/** The error again, with the engine's stack as its own. */
export const fromErrorData = ({ code, message, stack, details }: ErrorData): MlxError => {
  const Specific = constructors[code];
  const error =
    Specific === undefined ? new MlxError(code, message, { details }) : new Specific(message, { details });
  error.stack = stack;
  return error;
};
