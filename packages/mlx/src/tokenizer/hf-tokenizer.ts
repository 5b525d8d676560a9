import { AddedToken, Tokenizer as NativeTokenizer } from "tokenizers";
import { TokenizerError } from "../errors.ts";
import { isRecord } from "./json-file.ts";
import { plainTextSpec } from "./plain-text-spec.ts";
import { createStreamingDetokenizer, type StreamingDetokenizer } from "./streaming-detokenizer.ts";
import { createTokenBytes } from "./token-bytes.ts";
import type {
  AddedTokenInfo,
  ChatTemplates,
  DecodeOptions,
  DetokenizerOptions,
  EncodedPair,
  EncodeOptions,
  Tokenizer,
} from "./tokenizer.ts";

/** An added token that the tokenizer.json does not have yet. */
export interface NewToken {
  content: string;
  special: boolean;
  lstrip?: boolean;
  rstrip?: boolean;
  singleWord?: boolean;
  normalized?: boolean;
}

/** What a tokenizer is made of, whichever file it came from. */
export interface TokenizerParts {
  /** A parsed tokenizer.json. */
  spec: Record<string, unknown>;
  /** Its text, when it is at hand; saves writing it again. */
  specText?: string;
  /** Reads `spec` once more: kept, a large vocabulary would take tens of megabytes for what is seldom needed. */
  readSpec: () => Record<string, unknown>;
  newTokens?: readonly NewToken[];
  /** `bos_token`, `eos_token` and so on. */
  specialTokens: Readonly<Record<string, string>>;
  endTokenIds?: readonly number[];
  chatTemplates: ChatTemplates;
}

/** A tokenizer over Hugging Face's own Rust implementation. */
export class HfTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly addedTokens: readonly AddedTokenInfo[];
  readonly specialTokenIds: ReadonlySet<number>;
  readonly specialTokens: Readonly<Record<string, string>>;
  readonly bosTokenId: number | undefined;
  readonly eosTokenId: number | undefined;
  readonly endTokenIds: readonly number[];
  readonly chatTemplates: ChatTemplates;
  readonly tokenBytes: ((token: string) => Uint8Array) | undefined;
  private readonly native: NativeTokenizer;
  /** A space is put before the beginning of a text only. */
  private readonly prefixesFirst: boolean;
  private readonly readSpec: () => Record<string, unknown>;
  private readonly decoder: unknown;
  private plainText: NativeTokenizer | undefined;

  /** @throws {TokenizerError} when the Rust implementation refuses the parts */
  constructor(parts: TokenizerParts) {
    this.readSpec = parts.readSpec;
    this.decoder = parts.spec.decoder;
    this.native = parseNative(parts.specText ?? JSON.stringify(parts.spec));
    const added = parts.newTokens ?? [];
    if (added.length > 0) this.native.addAddedTokens(added.map(toNative));
    this.addedTokens = collectAddedTokens(this.native, parts);
    this.specialTokenIds = new Set(
      this.addedTokens.filter((token) => token.special).map((token) => token.id),
    );
    this.vocabSize = 1 + highestId(this.native, this.addedTokens);
    this.specialTokens = parts.specialTokens;
    this.bosTokenId = this.idOfSpecial("bos_token");
    this.eosTokenId = this.idOfSpecial("eos_token");
    const end = new Set(parts.endTokenIds);
    if (this.eosTokenId !== undefined) end.add(this.eosTokenId);
    this.endTokenIds = [...end];
    this.chatTemplates = parts.chatTemplates;
    this.tokenBytes = createTokenBytes(parts.spec.decoder);
    this.prefixesFirst = JSON.stringify(parts.spec.pre_tokenizer ?? null).includes(
      '"prepend_scheme":"first"',
    );
  }

  async encode(text: string, options: EncodeOptions = {}): Promise<number[]> {
    const native = options.controlTokens === "text" ? this.plainTextTokenizer() : this.native;
    if (options.continues === true && this.prefixesFirst) return encodeAfterNewline(native, text);
    const encoding = await native.encode(text, null, {
      addSpecialTokens: options.addSpecialTokens ?? true,
    });
    return encoding.getIds();
  }

  async encodePair(first: string, second: string): Promise<EncodedPair> {
    const encoding = await this.native.encode(first, second, { addSpecialTokens: true });
    const texts = encoding.getSequenceIds().map((text) => (text === 0 || text === 1 ? text : undefined));
    return { ids: encoding.getIds(), types: encoding.getTypeIds(), texts };
  }

  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    const skip = options.skipSpecialTokens === true;
    const tokens: string[] = [];
    for (const id of ids) {
      const token = skip && this.specialTokenIds.has(id) ? undefined : this.idToToken(id);
      if (token !== undefined) tokens.push(token);
    }
    return this.decodeTokens(tokens);
  }

  tokenToId(token: string): number | undefined {
    return this.native.tokenToId(token) ?? undefined;
  }

  idToToken(id: number): string | undefined {
    return this.native.idToToken(id) ?? undefined;
  }

  createDetokenizer({
    skipSpecialTokens = true,
    keep = [],
    continues = false,
  }: DetokenizerOptions = {}): StreamingDetokenizer {
    return createStreamingDetokenizer(
      {
        decoder: this.decoder,
        idToToken: (id) => this.idToToken(id),
        skip: skipSpecialTokens ? this.specialIdsOutside(keep) : new Set(),
        continues,
      },
      (tokens) => this.decodeTokens(tokens),
    );
  }

  private specialIdsOutside(texts: readonly string[]): ReadonlySet<number> {
    if (texts.length === 0) return this.specialTokenIds;
    const isKept = (id: number) => texts.some((text) => text.includes(this.idToToken(id) ?? "\0"));
    return new Set([...this.specialTokenIds].filter((id) => !isKept(id)));
  }

  private decodeTokens(tokens: string[]): string {
    const decoder = this.native.getDecoder();
    return decoder === null ? tokens.join(" ") : decoder.decode(tokens);
  }

  private idOfSpecial(name: string): number | undefined {
    const token = this.specialTokens[name];
    return token === undefined ? undefined : this.tokenToId(token);
  }

  /** Made when first needed: a second native tokenizer that knows no added tokens. */
  private plainTextTokenizer(): NativeTokenizer {
    this.plainText ??= parseNative(JSON.stringify(plainTextSpec(this.readSpec())));
    return this.plainText;
  }
}

function parseNative(text: string): NativeTokenizer {
  let native: NativeTokenizer;
  try {
    native = NativeTokenizer.fromString(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TokenizerError(
      `tokenizer.json was refused: ${reason.slice(0, 200)}. The file is damaged or newer than the tokenizers library.`,
      { cause: error },
    );
  }
  // settings saved from training; a prompt is never cut or padded
  native.disableTruncation();
  native.disablePadding();
  return native;
}

/** Ids of a text that follows another, found by encoding it after a line break. */
async function encodeAfterNewline(native: NativeTokenizer, text: string): Promise<number[]> {
  const options = { addSpecialTokens: false };
  const head = (await native.encode("\n", null, options)).getIds();
  const whole = (await native.encode(`\n${text}`, null, options)).getIds();
  const isApart = head.every((id, i) => whole[i] === id);
  return isApart ? whole.slice(head.length) : (await native.encode(text, null, options)).getIds();
}

function toNative(token: NewToken): AddedToken {
  return new AddedToken(token.content, token.special, {
    singleWord: token.singleWord ?? false,
    leftStrip: token.lstrip ?? false,
    rightStrip: token.rstrip ?? false,
    normalized: token.normalized ?? !token.special,
  });
}

function collectAddedTokens(native: NativeTokenizer, parts: TokenizerParts): AddedTokenInfo[] {
  const byId = new Map<number, AddedTokenInfo>();
  const add = (content: unknown, special: boolean, lstrip: boolean, rstrip: boolean) => {
    if (typeof content !== "string") return;
    const id = native.tokenToId(content);
    if (id === null) return;
    byId.set(id, { id, content, special: special || byId.get(id)?.special === true, lstrip, rstrip });
  };
  const inSpec = parts.spec.added_tokens;
  for (const token of Array.isArray(inSpec) ? inSpec : []) {
    if (isRecord(token)) {
      add(token.content, token.special === true, token.lstrip === true, token.rstrip === true);
    }
  }
  for (const token of parts.newTokens ?? []) {
    add(token.content, token.special, token.lstrip ?? false, token.rstrip ?? false);
  }
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

/** The binding counts entries only, which is less than the highest id where a vocabulary has gaps. */
function highestId(native: NativeTokenizer, added: readonly AddedTokenInfo[]): number {
  let highest = native.getVocabSize(true) - 1;
  for (const token of added) highest = Math.max(highest, token.id);
  return highest;
}
