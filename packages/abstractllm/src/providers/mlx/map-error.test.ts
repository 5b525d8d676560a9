import { MlxError, type MlxErrorCode } from "@abstractllm/mlx";
import { expect, test } from "vitest";
import { GenerationError } from "../../errors/index.ts";
import { mapMlxError } from "./map-error.ts";

const EXPECTED: Readonly<Record<MlxErrorCode, string>> = {
  "invalid-argument": "InvalidRequestError",
  native: "GenerationError",
  "out-of-memory": "MemoryExceededError",
  unavailable: "UnsupportedFeatureError",
  disposed: "GenerationError",
  weights: "ModelLoadingError",
  config: "ModelLoadingError",
  "unsupported-architecture": "UnsupportedModelError",
  tokenizer: "ModelLoadingError",
  template: "InvalidRequestError",
  image: "ImageProcessingError",
  "model-not-found": "ModelNotFoundError",
  gated: "AuthenticationError",
  network: "ProviderConnectionError",
  integrity: "ModelLoadingError",
  storage: "ModelLoadingError",
  offline: "ModelNotFoundError",
  aborted: "GenerationError",
  "context-length": "ContextWindowExceededError",
  "unsupported-feature": "UnsupportedFeatureError",
  "engine-crashed": "ProviderAPIError",
};

test.each(Object.entries(EXPECTED) as [MlxErrorCode, string][])("%s becomes %s", (code, name) => {
  const cause = new MlxError(code, "what happened", { details: { path: "p" } });
  const mapped = mapMlxError(cause, "org/model") as Error & { provider: string; details: unknown };
  expect(mapped.name).toBe(name);
  expect(mapped.message).toMatch(/^\[mlx\] .*what happened/);
  expect(mapped).toMatchObject({ provider: "mlx", cause, details: { path: "p", engineCode: code } });
});

test("only what may pass by itself is worth repeating", () => {
  const codes = Object.keys(EXPECTED) as MlxErrorCode[];
  const retryable = codes.filter(
    (code) => (mapMlxError(new MlxError(code, "x"), "m") as GenerationError).retryable,
  );
  expect(retryable.sort()).toEqual(["disposed", "engine-crashed", "integrity", "network"]);
});

test("other errors and those of the interface stay as they are", () => {
  for (const error of [new Error("x"), "text", new GenerationError("y")])
    expect(mapMlxError(error, "m")).toBe(error);
});
