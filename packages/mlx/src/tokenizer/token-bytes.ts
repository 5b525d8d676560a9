import { byteLevelBytes, fallbackByte } from "./byte-level.ts";
import { decoderSequence } from "./decoder-stages.ts";
import { isRecord } from "./json-file.ts";

/** A token's text, or its bytes where they need not be whole characters. */
type Spelling = string | Uint8Array;

type Step = (token: Spelling) => Spelling;

/**
 * What each token adds to a text that has begun, by the decoder of a tokenizer.json.
 *
 * @returns a function from an ordinary token to its bytes; undefined when they depend on the tokens around it
 */
export function createTokenBytes(decoder: unknown): ((token: string) => Uint8Array) | undefined {
  const steps: Step[] = [];
  const before = new Set<unknown>();
  for (const spec of decoderSequence(decoder)) {
    const step = isRecord(spec) ? stepOf(spec, before) : undefined;
    if (step === undefined || !isRecord(spec)) return undefined;
    steps.push(step);
    before.add(spec.type);
  }
  const utf8 = new TextEncoder();
  return (token) => {
    const spelling = steps.reduce<Spelling>((spelled, step) => step(spelled), token);
    return typeof spelling === "string" ? utf8.encode(spelling) : spelling;
  };
}

const unchanged: Step = (token) => token;

const onText =
  (change: (text: string) => Spelling): Step =>
  (token) =>
    typeof token === "string" ? change(token) : token;

/** @param before - types of the decoders before it */
function stepOf(spec: Record<string, unknown>, before: ReadonlySet<unknown>): Step | undefined {
  // after these a change could concern characters of several tokens
  const isWhole = !["ByteLevel", "ByteFallback", "Fuse"].some((type) => before.has(type));
  switch (spec.type) {
    case "ByteLevel":
      return onText(byteLevelBytes);
    case "ByteFallback":
      return onText((token) => {
        const byte = fallbackByte(token);
        return byte === undefined ? token : Uint8Array.of(byte);
      });
    case "Fuse":
      return unchanged;
    case "Strip": // of the fused text: its beginning, which is another token's
      return before.has("Fuse") && spec.stop === 0 ? unchanged : undefined;
    case "Replace":
      return isWhole ? replaceStep(spec) : undefined;
    case "Metaspace":
      return isWhole ? metaspaceStep(spec) : undefined;
    default:
      return undefined;
  }
}

function replaceStep({ pattern, content }: Record<string, unknown>): Step | undefined {
  const text = isRecord(pattern) ? pattern.String : undefined;
  if (typeof text !== "string" || text === "" || typeof content !== "string") return undefined;
  return onText((token) => token.replaceAll(text, () => content));
}

function metaspaceStep({ replacement }: Record<string, unknown>): Step | undefined {
  return typeof replacement === "string" ? onText((token) => token.replaceAll(replacement, " ")) : undefined;
}
