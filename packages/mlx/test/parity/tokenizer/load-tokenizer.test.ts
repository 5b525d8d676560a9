import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TokenizerError } from "../../../src/errors.ts";
import { loadTokenizer } from "../../../src/tokenizer/index.ts";

const spec = readFileSync(new URL("goldens/byte-level.json", import.meta.url), "utf8");
let folder = "";
const write = (files: Record<string, unknown>) => {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tokenizer-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("loadTokenizer", () => {
  it("reads a folder: tokens, names, templates", async () => {
    write({
      "tokenizer.json": spec,
      "tokenizer_config.json": {
        bos_token: "<s>",
        eos_token: { content: "<|im_end|>", special: true },
        pad_token: null,
        chat_template: [
          { name: "default", template: "A" },
          { name: "tool_use", template: "B" },
        ],
        added_tokens_decoder: {
          700: { content: "<tool>", special: false },
          701: { content: "<end>", special: true },
        },
        additional_special_tokens: ["<extra>"],
      },
      "special_tokens_map.json": { unk_token: "<unk>", pad_token: "</s>" },
    });
    const tokenizer = loadTokenizer(folder);
    expect(tokenizer.specialTokens).toEqual({
      bos_token: "<s>",
      eos_token: "<|im_end|>",
      unk_token: "<unk>",
    });
    expect(tokenizer.bosTokenId).toBe(1);
    expect(tokenizer.endTokenIds).toEqual([tokenizer.tokenToId("<|im_end|>")]);
    expect(tokenizer.chatTemplates.default).toBe("A");
    expect(tokenizer.chatTemplates.named.get("tool_use")).toBe("B");
    const text = "x<tool>y<end>z<extra>";
    const ids = await tokenizer.encode(text);
    expect(ids).toContain(tokenizer.tokenToId("<tool>"));
    expect(tokenizer.decode(ids)).toBe(text);
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("x<tool>yz");
    expect(tokenizer.vocabSize).toBe(1 + Math.max(...tokenizer.addedTokens.map((token) => token.id)));
  });

  it("prefers chat_template.jinja, and reads chat_template.json and additional templates", () => {
    write({ "tokenizer.json": spec, "chat_template.json": { chat_template: "legacy" } });
    expect(loadTokenizer(folder).chatTemplates.default).toBe("legacy");
    write({ "tokenizer_config.json": { chat_template: "config" } });
    expect(loadTokenizer(folder).chatTemplates.default).toBe("config");
    write({ "chat_template.jinja": "file" });
    mkdirSync(join(folder, "additional_chat_templates"));
    write({ "additional_chat_templates/rag.jinja": "documents" });
    const { default: standard, named } = loadTokenizer(folder).chatTemplates;
    expect(standard).toBe("file");
    expect([...named]).toEqual([["rag", "documents"]]);
  });

  it("says what to do where tokenizer.json is missing", () => {
    write({ "tokenizer.model": "x" });
    expect(() => loadTokenizer(folder)).toThrow(/No tokenizer\.json.*tokenizer\.model.*save_pretrained/);
    expect(() => loadTokenizer(join(folder, "nowhere"))).toThrow(TokenizerError);
  });

  it.each([
    ["cut off", spec.slice(0, 500)],
    ["not an object", "[]"],
    ["without a model", "{}"],
    ["of an unknown kind", JSON.stringify({ ...JSON.parse(spec), model: { type: "Nonsense" } })],
    [
      "with merges that name no tokens",
      JSON.stringify({ ...JSON.parse(spec), model: { type: "BPE", vocab: { a: 0 }, merges: [["a", "zz"]] } }),
    ],
    ["empty", ""],
  ])("refuses a tokenizer.json that is %s", (_, text) => {
    write({ "tokenizer.json": text });
    expect(() => loadTokenizer(folder)).toThrow(TokenizerError);
  });

  it("refuses files over their limits", () => {
    write({ "tokenizer.json": Buffer.alloc(64 * 2 ** 20 + 1, 32).toString() });
    expect(() => loadTokenizer(folder)).toThrow(/at most 67108864/);
    write({ "tokenizer.json": spec, "chat_template.jinja": "x".repeat(2 ** 20 + 1) });
    expect(() => loadTokenizer(folder)).toThrow(/chat_template\.jinja has 1048577 bytes/);
  });

  it("reads a lone surrogate as the replacement character", async () => {
    write({ "tokenizer.json": spec });
    const tokenizer = loadTokenizer(folder);
    expect(await tokenizer.encode("a\ud800b\udc00")).toEqual(await tokenizer.encode("a\ufffdb\ufffd"));
  });

  it("never cuts or pads, whatever the file was saved with", async () => {
    const cut = { direction: "Right", max_length: 4, strategy: "LongestFirst", stride: 0 };
    const pad = {
      strategy: { Fixed: 64 },
      direction: "Right",
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: "<unk>",
    };
    write({ "tokenizer.json": { ...JSON.parse(spec), truncation: cut, padding: pad } });
    const tokenizer = loadTokenizer(folder);
    const text = "the model of the stream";
    expect(tokenizer.decode(await tokenizer.encode(text))).toBe(text);
  });

  it("reads the file again when a text spells a control token, and says so when it is gone", async () => {
    write({ "tokenizer.json": spec });
    const [kept, lost] = [loadTokenizer(folder), loadTokenizer(folder)];
    const asText = { controlTokens: "text", addSpecialTokens: false } as const;
    expect(await kept.encode("a</s>")).toContain(kept.tokenToId("</s>"));
    const ids = await kept.encode("a</s>", asText);
    expect(ids).not.toContain(kept.tokenToId("</s>"));
    expect(kept.decode(ids)).toBe("a</s>");
    rmSync(join(folder, "tokenizer.json"));
    expect(await kept.encode("a</s>", asText)).toEqual(ids);
    await expect(lost.encode("a</s>", asText)).rejects.toThrow(TokenizerError);
  });
});
