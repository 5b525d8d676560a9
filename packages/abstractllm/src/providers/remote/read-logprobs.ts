import type { TokenLogprob, TokenWithLogprob } from "../../interface/token-logprob.ts";
import { asArray, asRecord } from "./json-value.ts";

/**
 * Foreign JSON as the tokens of an answer, in the form that OpenAI and Ollama share. Entries without a text or a log
 * probability are left out.
 *
 * @param alternatives - at most so many to each token; some servers give more than they are asked for
 */
export function readLogprobs(entries: unknown, alternatives: number): TokenLogprob[] {
  return asArray(entries).flatMap((entry) => {
    const token = readToken(entry);
    if (token === undefined) return [];
    const others = asArray(asRecord(entry).top_logprobs).flatMap((other) => readToken(other) ?? []);
    const topLogprobs = others.sort((a, b) => b.logprob - a.logprob).slice(0, alternatives); // vLLM's own token comes first
    return [{ ...token, topLogprobs }];
  });
}

function readToken(entry: unknown): TokenWithLogprob | undefined {
  const { token, logprob, bytes } = asRecord(entry);
  if (typeof token !== "string" || typeof logprob !== "number" || !Number.isFinite(logprob)) return undefined;
  return { token, ...(areBytes(bytes) ? { bytes } : {}), logprob };
}

const areBytes = (value: unknown): value is number[] =>
  Array.isArray(value) &&
  value.length > 0 && // none where they are not known
  value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255);
