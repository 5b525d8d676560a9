import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { HfTokenizer } from "../../../src/tokenizer/hf-tokenizer.ts";
import { type Tokenizer, tokenizerFromGguf } from "../../../src/tokenizer/index.ts";
import { readGguf } from "../../../src/weights/index.ts";
import { testString } from "./strings.ts";

interface Golden {
  count: number;
  block: number;
  strings: string[];
  tokenizers: Record<string, { ids: string[]; texts: string[]; visible: string[] }>;
}

const goldens = new URL("goldens/", import.meta.url);
const readJson = (name: string) => JSON.parse(readFileSync(new URL(name, goldens), "utf8"));
const golden: Golden = readJson("ids.json");

/** SmolLM2's tokenizer comes from its GGUF file, which `npm run setup` fetches; the others from committed files. */
function loadNamed(name: string): Tokenizer {
  if (name !== "smollm2") {
    const spec = readJson(`${name}.json`);
    return new HfTokenizer({
      spec,
      readSpec: () => spec,
      specialTokens: {},
      chatTemplates: { named: new Map() },
    });
  }
  const path = fileURLToPath(
    new URL("../../../../../.setup/models/SmolLM2-135M-Instruct.Q4_1.gguf", import.meta.url),
  );
  if (!existsSync(path)) throw new Error(`${path} is missing: run npm run setup.`);
  const { metadata } = readGguf(path);
  return tokenizerFromGguf(metadata, () => metadata);
}

function blocks(lines: readonly string[]): string[] {
  const hashes: string[] = [];
  for (let at = 0; at < lines.length; at += golden.block) {
    const text = lines.slice(at, at + golden.block).join("\n");
    hashes.push(createHash("sha256").update(text).digest("hex").slice(0, 16));
  }
  return hashes;
}

/** As Python's `json.dumps`. */
const asciiJson = (text: string): string =>
  JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

describe("tokenizers on 10,000 strings", () => {
  const texts = Array.from({ length: golden.count }, (_, index) => testString(index));

  it("are given the strings that Python was given", () => {
    expect(blocks(texts.map(asciiJson))).toEqual(golden.strings);
  });

  describe.each(Object.entries(golden.tokenizers))("%s", (name, expected) => {
    let tokenizer: Tokenizer;
    const ids: number[][] = [];
    beforeAll(async () => {
      tokenizer = loadNamed(name);
      for (const text of texts) ids.push(await tokenizer.encode(text));
    });

    it("gives Python's ids", () => {
      expect(blocks(ids.map((list) => list.join(",")))).toEqual(expected.ids);
    });

    it("gives Python's texts for them, with and without special tokens", () => {
      expect(blocks(ids.map((list) => asciiJson(tokenizer.decode(list))))).toEqual(expected.texts);
      const visible = ids.map((list) => tokenizer.decode(list, { skipSpecialTokens: true }));
      expect(blocks(visible.map(asciiJson))).toEqual(expected.visible);
    });

    it("streams the texts that it decodes", () => {
      const detokenizer = tokenizer.createDetokenizer();
      for (const list of ids) {
        const deltas = list.map((id) => detokenizer.add(id));
        const text = deltas.join("") + detokenizer.flush();
        expect(text).toBe(tokenizer.decode(list, { skipSpecialTokens: true }));
      }
    });
  });
});
