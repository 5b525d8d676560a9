import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { TokenizerError } from "../errors.ts";
import { HfTokenizer, type NewToken } from "./hf-tokenizer.ts";
import { isRecord, readJsonFile, readTextFile } from "./json-file.ts";
import type { ChatTemplates, Tokenizer } from "./tokenizer.ts";

const MIB = 2 ** 20;
/** Largest real tokenizer.json seen is 33 MB (Gemma). */
const MAX_TOKENIZER_BYTES = 64 * MIB;
const MAX_CONFIG_BYTES = 16 * MIB;
const MAX_TEMPLATE_BYTES = MIB;

const TOKEN_NAMES = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
];

/**
 * Loads the tokenizer of a model folder: tokenizer.json, with what tokenizer_config.json, special_tokens_map.json and
 * the chat template files add to it.
 *
 * @throws {TokenizerError} when tokenizer.json is missing, damaged or larger than 64 MiB
 */
export function loadTokenizer(folder: string): Tokenizer {
  const specText = readSpecText(folder);
  const spec = parseSpec(specText, folder);
  const config = readJsonFile(join(folder, "tokenizer_config.json"), MAX_CONFIG_BYTES) ?? {};
  const map = readJsonFile(join(folder, "special_tokens_map.json"), MAX_CONFIG_BYTES) ?? {};
  const specialTokens = namedTokens(config, map);
  return new HfTokenizer({
    spec,
    specText,
    readSpec: () => parseSpec(readSpecText(folder), folder),
    newTokens: missingTokens(spec, config, specialTokens),
    specialTokens,
    chatTemplates: readChatTemplates(folder, config),
  });
}

function readSpecText(folder: string): string {
  const text = readTextFile(join(folder, "tokenizer.json"), MAX_TOKENIZER_BYTES);
  if (text === undefined) throw missingTokenizer(folder);
  return text;
}

function missingTokenizer(folder: string): TokenizerError {
  const other = ["tokenizer.model", "vocab.json", "tiktoken.model", "tekken.json"].filter((name) =>
    existsSync(join(folder, name)),
  );
  const found = other.length === 0 ? "" : ` It has ${other.join(", ")}, which cannot be read here.`;
  return new TokenizerError(
    `No tokenizer.json in ${folder}.${found} Use a repository that has one, or write it with Python: ` +
      `transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder).`,
    { details: { folder } },
  );
}

function parseSpec(text: string, folder: string): Record<string, unknown> {
  let spec: unknown;
  try {
    spec = JSON.parse(text);
  } catch (error) {
    throw new TokenizerError("tokenizer.json is not valid JSON. Get the file again from its repository.", {
      cause: error,
      details: { folder },
    });
  }
  if (isRecord(spec) && isRecord(spec.model)) return spec;
  throw new TokenizerError(
    'Expected a "model" object in tokenizer.json. Get the file again from its repository.',
    {
      details: { folder },
    },
  );
}

/** A token is written as its text or as an object with `content`. */
function tokenContent(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return isRecord(value) && typeof value.content === "string" ? value.content : undefined;
}

function namedTokens(config: Record<string, unknown>, map: Record<string, unknown>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const name of TOKEN_NAMES) {
    // a null in tokenizer_config means "none", whatever an older special_tokens_map says
    const content = tokenContent(name in config ? config[name] : map[name]);
    if (content !== undefined) tokens[name] = content;
  }
  return tokens;
}

/** Tokens that the configuration names and tokenizer.json does not treat as added tokens yet. */
function missingTokens(
  spec: Record<string, unknown>,
  config: Record<string, unknown>,
  named: Record<string, string>,
): NewToken[] {
  const known = new Set<string>();
  for (const token of Array.isArray(spec.added_tokens) ? spec.added_tokens : []) {
    const content = tokenContent(token);
    if (content !== undefined) known.add(content);
  }
  const missing = new Map<string, NewToken>();
  const add = (token: NewToken) => {
    if (!known.has(token.content) && !missing.has(token.content)) missing.set(token.content, token);
  };
  const decoder = isRecord(config.added_tokens_decoder) ? config.added_tokens_decoder : {};
  for (const [, token] of Object.entries(decoder).sort(([a], [b]) => Number(a) - Number(b))) {
    if (isRecord(token) && typeof token.content === "string") add(newToken(token, token.content));
  }
  for (const content of Object.values(named)) add({ content, special: true });
  const extra = config.extra_special_tokens ?? config.additional_special_tokens;
  for (const token of Array.isArray(extra) ? extra : []) {
    const content = tokenContent(token);
    if (content !== undefined) add({ content, special: true });
  }
  return [...missing.values()];
}

function newToken(token: Record<string, unknown>, content: string): NewToken {
  return {
    content,
    special: token.special === true,
    lstrip: token.lstrip === true,
    rstrip: token.rstrip === true,
    singleWord: token.single_word === true,
    normalized: token.normalized === true,
  };
}

/** chat_template.jinja wins over tokenizer_config.json, and that over chat_template.json, as in transformers. */
function readChatTemplates(folder: string, config: Record<string, unknown>): ChatTemplates {
  const named = new Map<string, string>();
  const inConfig = config.chat_template;
  if (typeof inConfig === "string") named.set("default", inConfig);
  for (const entry of Array.isArray(inConfig) ? inConfig : []) {
    if (isRecord(entry) && typeof entry.name === "string" && typeof entry.template === "string") {
      named.set(entry.name, entry.template);
    }
  }
  if (!named.has("default")) {
    const legacy = readJsonFile(join(folder, "chat_template.json"), MAX_CONFIG_BYTES)?.chat_template;
    if (typeof legacy === "string") named.set("default", legacy);
  }
  const file = readTextFile(join(folder, "chat_template.jinja"), MAX_TEMPLATE_BYTES);
  if (file !== undefined) named.set("default", file);
  for (const name of additionalTemplates(folder)) {
    const text = readTextFile(join(folder, "additional_chat_templates", name), MAX_TEMPLATE_BYTES);
    if (text !== undefined) named.set(name.slice(0, -".jinja".length), text);
  }
  return splitDefault(named);
}

function additionalTemplates(folder: string): string[] {
  const path = join(folder, "additional_chat_templates");
  return existsSync(path) ? readdirSync(path).filter((name) => name.endsWith(".jinja")) : [];
}

function splitDefault(templates: Map<string, string>): ChatTemplates {
  const standard = templates.get("default");
  templates.delete("default");
  return standard === undefined ? { named: templates } : { default: standard, named: templates };
}
