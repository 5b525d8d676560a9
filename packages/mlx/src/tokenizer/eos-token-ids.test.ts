import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.ts";
import { eosTokenIds } from "./eos-token-ids.ts";

describe("eosTokenIds", () => {
  it("merges the model's with the tokenizer's", () => {
    expect([...eosTokenIds({ eos_token_id: 2 }, undefined, { endTokenIds: [7] })]).toEqual([2, 7]);
    expect([...eosTokenIds({ eos_token_id: [2, 3] }, {}, { endTokenIds: [3] })]).toEqual([2, 3]);
    expect([...eosTokenIds(undefined, undefined, { endTokenIds: [] })]).toEqual([]);
  });

  it("lets generation_config.json replace what config.json says", () => {
    expect([...eosTokenIds({ eos_token_id: 2 }, { eos_token_id: [8, 9] }, { endTokenIds: [7] })]).toEqual([
      8, 9, 7,
    ]);
    expect([...eosTokenIds({ eos_token_id: 2 }, { eos_token_id: null }, { endTokenIds: [] })]).toEqual([2]);
  });

  it.each(["2", -1, 1.5, [1, "2"], { id: 2 }])("refuses %j", (value) => {
    expect(() => eosTokenIds({ eos_token_id: value }, undefined, { endTokenIds: [] })).toThrow(ConfigError);
  });
});
