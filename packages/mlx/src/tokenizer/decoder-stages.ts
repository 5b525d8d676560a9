import { asciiText, byteLevelBytes, fallbackByte } from "./byte-level.ts";
import { isRecord } from "./json-file.ts";

/** One decoder of a tokenizer.json as a stream: tokens in, tokens out. A fused stage gives pieces of a single token. */
export interface DecoderStage {
  push(token: string): string[];
  /** What was held back. */
  end(): string[];
}

/** What decoders hand on: separate tokens, or pieces of the one token that a `Fuse` or `ByteLevel` makes. */
type Flow = "tokens" | "pieces";

interface StageRow {
  make: () => DecoderStage;
  flow: Flow;
}

/**
 * Builds the stages of a tokenizer.json decoder.
 *
 * @returns a function that makes fresh stages, or undefined when the decoder cannot be streamed
 * @see tokenizers 0.23 src/decoders and src/pre_tokenizers/{byte_level,metaspace}.rs, which define what each one does
 */
export function createDecoderStages(decoder: unknown): (() => DecoderStage[]) | undefined {
  const rows: StageRow[] = [];
  let flow: Flow = "tokens";
  for (const spec of decoderSequence(decoder)) {
    const row = stageRow(spec, flow);
    if (row === undefined) return undefined;
    rows.push(row);
    flow = row.flow;
  }
  return () => rows.map((row) => row.make());
}

/** The decoders that a tokenizer.json's decoder is made of, in order. */
export function decoderSequence(decoder: unknown): unknown[] {
  if (decoder === undefined || decoder === null) return [{ type: "JoinWithSpaces" }];
  if (isRecord(decoder) && decoder.type === "Sequence" && Array.isArray(decoder.decoders)) {
    return decoder.decoders.flatMap(decoderSequence);
  }
  return [decoder];
}

function stageRow(spec: unknown, flow: Flow): StageRow | undefined {
  if (!isRecord(spec)) return undefined;
  switch (spec.type) {
    case "JoinWithSpaces":
      return { make: joinWithSpaces, flow };
    case "ByteLevel":
      return { make: byteLevel, flow: "pieces" };
    case "Fuse":
      return { make: passThrough, flow: "pieces" };
    case "ByteFallback":
      return flow === "pieces" ? undefined : { make: byteFallback, flow };
    case "Strip":
      return stripRow(spec, flow);
    case "Replace":
      return replaceRow(spec, flow);
    case "Metaspace":
      return metaspaceRow(spec, flow);
    case "WordPiece":
      return wordPieceRow(spec, flow);
    case "BPEDecoder":
      return bpeRow(spec, flow);
    default:
      return undefined;
  }
}

const perToken = (map: (token: string, index: number) => string): DecoderStage => {
  let index = 0;
  return { push: (token) => [map(token, index++)], end: () => [] };
};

const passThrough = (): DecoderStage => perToken((token) => token);

const joinWithSpaces = (): DecoderStage => perToken((token, index) => (index === 0 ? token : ` ${token}`));

function byteLevel(): DecoderStage {
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  let isBetween = true; // characters: no part of one is held back
  return {
    push(token) {
      const text = isBetween ? asciiText(token) : undefined;
      if (text !== undefined) return [text];
      const bytes = byteLevelBytes(token);
      isBetween = (bytes.at(-1) ?? 0x80) < 0x80;
      return [utf8.decode(bytes, { stream: true })];
    },
    end: () => [utf8.decode()],
  };
}

/** Holds a run of byte tokens until it ends: one bad byte turns the whole run into replacement characters. */
function byteFallback(): DecoderStage {
  let run: number[] = [];
  const endRun = (): string[] => {
    if (run.length === 0) return [];
    const bytes = Uint8Array.from(run);
    run = [];
    try {
      return [new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)];
    } catch {
      return Array.from(bytes, () => "\uFFFD");
    }
  };
  return {
    push(token) {
      const byte = fallbackByte(token);
      if (byte === undefined) return [...endRun(), token];
      run.push(byte);
      return [];
    },
    end: endRun,
  };
}

function stripRow(spec: Record<string, unknown>, flow: Flow): StageRow | undefined {
  const { content, start, stop } = spec;
  if (typeof content !== "string" || !isCount(start) || !isCount(stop)) return undefined;
  if (flow === "tokens")
    return { make: () => perToken((token) => stripToken(token, content, start, stop)), flow };
  return stop === 0 ? { make: () => stripStart(content, start), flow } : undefined;
}

function stripToken(token: string, content: string, start: number, stop: number): string {
  const chars = [...token];
  let from = 0;
  while (from < start && chars[from] === content) from++;
  let to = chars.length;
  while (chars.length - to < stop && to > from && chars[to - 1] === content) to--;
  return chars.slice(from, to).join("");
}

/** Strips up to `start` characters from the left of a token that arrives in pieces. */
function stripStart(content: string, start: number): DecoderStage {
  let left = start;
  return {
    push(piece) {
      while (left > 0 && piece !== "") {
        if (!piece.startsWith(content)) {
          left = 0;
          break;
        }
        piece = piece.slice(content.length);
        left--;
      }
      return [piece];
    },
    end: () => [],
  };
}

function replaceRow(spec: Record<string, unknown>, flow: Flow): StageRow | undefined {
  const pattern = isRecord(spec.pattern) ? spec.pattern.String : undefined;
  const content = spec.content;
  if (typeof pattern !== "string" || pattern === "" || typeof content !== "string") return undefined;
  // in a fused token a longer pattern could straddle two pieces
  if (flow === "pieces" && [...pattern].length > 1) return undefined;
  return { make: () => perToken((token) => token.replaceAll(pattern, () => content)), flow };
}

function metaspaceRow(spec: Record<string, unknown>, flow: Flow): StageRow | undefined {
  const replacement = spec.replacement;
  if (typeof replacement !== "string" || flow === "pieces") return undefined;
  const scheme = spec.prepend_scheme ?? (spec.add_prefix_space === false ? "never" : "always");
  const make = () =>
    perToken((token, index) => token.replaceAll(replacement, index === 0 && scheme !== "never" ? "" : " "));
  return { make, flow };
}

function wordPieceRow(spec: Record<string, unknown>, flow: Flow): StageRow | undefined {
  const { prefix, cleanup } = spec;
  if (typeof prefix !== "string" || flow === "pieces") return undefined;
  const map = (token: string, index: number): string => {
    let text = token;
    if (index > 0) text = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
    return cleanup === true ? cleanUp(text) : text;
  };
  return { make: () => perToken(map), flow };
}

const CLEAN_UPS: readonly (readonly [string, string])[] = [
  [" .", "."],
  [" ?", "?"],
  [" !", "!"],
  [" ,", ","],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" do not", " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

const cleanUp = (text: string): string =>
  CLEAN_UPS.reduce((result, [from, to]) => result.replaceAll(from, to), text);

/** Turns the end-of-word suffix into a space, except in the last token, so one token is always held back. */
function bpeRow(spec: Record<string, unknown>, flow: Flow): StageRow | undefined {
  const suffix = spec.suffix;
  if (typeof suffix !== "string" || suffix === "" || flow === "pieces") return undefined;
  const make = (): DecoderStage => {
    let held: string | undefined;
    return {
      push(token) {
        const ready = held === undefined ? [] : [held.replaceAll(suffix, " ")];
        held = token;
        return ready;
      },
      end() {
        const last = held === undefined ? [] : [held.replaceAll(suffix, "")];
        held = undefined;
        return last;
      },
    };
  };
  return { make, flow };
}

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0;
