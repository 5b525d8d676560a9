import { MlxError } from "../errors.ts";

/** What the engine says about a grammar, in one line. */
const MAX_REASON = 300;

/** An error with the grammar engine's reason. */
export const refusal = (stage: "compile" | "decode", what: string, cause: unknown): MlxError => {
  const text = cause instanceof Error ? cause.message : String(cause);
  const reason = text
    .replace("NoExtensionBias", "no token of the vocabulary fits")
    .replace("<non-verbose/>", "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_REASON);
  return new MlxError(stage === "compile" ? "unsupported-feature" : "native", `${what}: ${reason}`, {
    cause,
    details: { feature: "constraint", stage, reason },
  });
};
