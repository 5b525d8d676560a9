import { expect, test } from "vitest";
import { readEnvironment } from "./read-environment.ts";

const BINDINGS = { model: ["A_MODEL", "B_MODEL"], temperature: ["A_TEMPERATURE"], offline: ["A_OFFLINE"] };

test("takes the first variable that is set, and empty ones as not set", () => {
  const read = (environment: Record<string, string>) => readEnvironment(BINDINGS, "mlx", environment);
  expect(read({})).toEqual({});
  expect(read({ A_MODEL: "", B_MODEL: "b" })).toEqual({ model: "b" });
  expect(read({ A_MODEL: "a", B_MODEL: "b", A_TEMPERATURE: "0.5", A_OFFLINE: "1" })).toEqual({
    model: "a",
    temperature: 0.5,
    offline: true,
  });
});

test("names the variable whose text does not fit", () => {
  expect(() => readEnvironment(BINDINGS, "mlx", { A_TEMPERATURE: "warm" })).toThrow(
    '[mlx] Expected number between 0 and 2 for temperature but received string "warm" (from the environment variable A_TEMPERATURE)',
  );
});
