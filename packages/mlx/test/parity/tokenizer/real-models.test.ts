import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { TemplateError } from "../../../src/errors.ts";
import { renderChatTemplate, type Tokenizer, tokenizerFromGguf } from "../../../src/tokenizer/index.ts";
import { readGguf } from "../../../src/weights/index.ts";
import { llamaCppFiles } from "./llama-cpp-files.ts";
import { testString } from "./strings.ts";

interface Conversation {
  name: string;
  messages: Record<string, unknown>[];
  tools?: unknown[];
  addGenerationPrompt: boolean;
  variables?: Record<string, unknown>;
}

const readJson = (name: string) =>
  JSON.parse(readFileSync(new URL(`goldens/${name}`, import.meta.url), "utf8"));
const sha256 = (text: string | Buffer) => createHash("sha256").update(text).digest("hex").slice(0, 16);

const templates: Record<string, { sha256: string; renders: string[] }> = readJson("templates.json").templates;
const { conversations, specialTokens, now } = readJson("conversations.json") as {
  conversations: Conversation[];
  specialTokens: Record<string, string>;
  now: string;
};
const vocabularies: { count: number; vocabularies: Record<string, string[]> } =
  readJson("gguf-vocabularies.json");

const FETCH_TIMEOUT_MS = 600_000;
let folder = "";
beforeAll(() => {
  folder = llamaCppFiles();
}, FETCH_TIMEOUT_MS);

/** The hash of a rendering, or what kind of failure it was; messages of Python's own errors are not compared. */
function renderDigest(template: string, conversation: Conversation): string {
  const { messages, tools, addGenerationPrompt } = conversation;
  const variables = { ...specialTokens, ...conversation.variables };
  const input = { messages, addGenerationPrompt, variables, now: new Date(now), ...(tools && { tools }) };
  try {
    return sha256(renderChatTemplate(template, input));
  } catch (error) {
    if (!TemplateError.isInstance(error)) throw error;
    const problem = error.details.problem;
    if (problem === "raised") return sha256(`raised: ${error.message}`);
    return problem === "syntax" ? "syntax error" : "failure";
  }
}

describe("chat templates of real models", () => {
  it("are at least 70, on at least 12 conversations", () => {
    expect(Object.keys(templates).length).toBeGreaterThanOrEqual(70);
    expect(conversations.length).toBeGreaterThanOrEqual(12);
  });

  it.each(Object.entries(templates))("%s renders as in transformers", (name, expected) => {
    const template = readFileSync(join(folder, name));
    expect(sha256(template)).toBe(expected.sha256);
    const rendered = conversations.map((conversation) =>
      renderDigest(template.toString("utf8"), conversation),
    );
    const named = (digests: string[]) =>
      Object.fromEntries(conversations.map(({ name: key }, i) => [key, digests[i]]));
    expect(named(rendered)).toEqual(named(expected.renders));
  });
});

/** Vocabularies of kinds that are refused: see `tokenizerFromGguf`. */
const REFUSED: Record<string, string> = { "bert-bge": "bert", "nomic-bert-moe": "t5" };
/** llama.cpp's file expects ids without the NFC normalization that Qwen3.5's tokenizer has. */
const isOutsideNfc = (name: string, text: string) => name === "qwen35" && text !== text.normalize("NFC");

/** transformers adds this token to vocabularies that lack it. */
const comparable = (text: string) => text.replaceAll("<|endoftext|>", "");

const NAMES = [
  ...[
    "command-r",
    "deepseek-coder",
    "deepseek-llm",
    "falcon",
    "gemma-4",
    "gpt-2",
    "llama-bpe",
    "llama-spm",
    "mpt",
  ],
  ...["phi-3", "qwen2", "qwen35", "refact", "starcoder"],
];

describe("vocabularies of real GGUF files", () => {
  const vocabulary = (name: string): Tokenizer => {
    const read = () => readGguf(join(folder, `ggml-vocab-${name}.gguf`)).metadata;
    return tokenizerFromGguf(read(), read);
  };

  it("are all that have expected ids", () => {
    const suffix = ".gguf.inp";
    const names = readdirSync(folder)
      .filter((file) => file.endsWith(suffix))
      .map((file) => file.slice("ggml-vocab-".length, -suffix.length));
    expect(names.filter((name) => !(name in REFUSED)).sort()).toEqual(NAMES);
  });

  describe.each(NAMES)("%s", (name) => {
    let tokenizer: Tokenizer;
    beforeAll(() => {
      tokenizer = vocabulary(name);
    });

    it("gives the ids that Hugging Face's tokenizer gave llama.cpp", async () => {
      const path = join(folder, `ggml-vocab-${name}.gguf`);
      const texts = readFileSync(`${path}.inp`, "utf8").split("\n__ggml_vocab_test__\n");
      const expected = readFileSync(`${path}.out`, "utf8").split("\n");
      for (const [i, text] of texts.entries()) {
        if (isOutsideNfc(name, text)) continue;
        const ids = await tokenizer.encode(text, { addSpecialTokens: false });
        expect({ text, ids: ids.join(" ") }).toEqual({ text, ids: expected[i]?.trim() });
      }
    });

    it.skipIf(!(name in vocabularies.vocabularies))(
      "gives transformers' ids, where it reads this file",
      async () => {
        const lines: string[] = [];
        for (let index = 0; index < vocabularies.count; index++) {
          lines.push(
            (await tokenizer.encode(comparable(testString(index)), { addSpecialTokens: false })).join(","),
          );
        }
        const blocks = vocabularies.vocabularies[name]?.map((_, i) =>
          sha256(lines.slice(i * 500, i * 500 + 500).join("\n")),
        );
        expect(blocks).toEqual(vocabularies.vocabularies[name]);
      },
    );

    it("streams the text that it decodes", async () => {
      const detokenizer = tokenizer.createDetokenizer();
      for (let index = 0; index < 200; index++) {
        const ids = await tokenizer.encode(testString(index), { addSpecialTokens: false });
        const text = ids.map((id) => detokenizer.add(id)).join("") + detokenizer.flush();
        expect(text).toBe(tokenizer.decode(ids, { skipSpecialTokens: true }));
      }
    });
  });

  it.each(Object.entries(REFUSED))("refuses %s, whose kind it does not know, by name", (name, kind) => {
    expect(existsSync(join(folder, `ggml-vocab-${name}.gguf`))).toBe(true);
    expect(() => vocabulary(name)).toThrow(`kind "${kind}"`);
  });
});
