const WORDS =
  "the a river city light slow green old bread stone runs sings falls over under and but when Zürich naïve north seven";

/** A word of characters of several bytes, which every longer answer has. */
const FAR_WORD = "東京🙂";
const FAR_WORD_AT = 4;

/** What a service asks of the model behind it. */
export interface WordRequest {
  /** The conversation as one text. */
  prompt: string;
  maxTokens?: number | undefined;
  temperature?: number | undefined;
  seed?: number | undefined;
  stop?: readonly string[] | undefined;
}

/** An answer of the model. */
export interface WordAnswer {
  /** One text per token. */
  tokens: string[];
  reason: "stop" | "length";
  inputTokens: number;
}

/** An answer that may have this many tokens has them, and takes its time. */
export const ENDLESS_TOKENS = 500;

/**
 * A language model small enough for a test double: every word follows from the prompt, and from the seed where the
 * temperature is not 0. Tokens are words, so a stop string may begin in one and end in the next.
 */
export function answerWithWords(request: WordRequest): WordAnswer {
  const { prompt, temperature = 1, seed = 0, stop = [], maxTokens = 1_000_000 } = request;
  const vocabulary = WORDS.split(" ");
  let state = hash(temperature === 0 ? prompt : `${prompt}\n${seed}`);
  const natural = maxTokens === ENDLESS_TOKENS ? ENDLESS_TOKENS : 12 + (state % 10);
  const tokens: string[] = [];
  let text = "";
  while (tokens.length < Math.min(natural, maxTokens)) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const word = tokens.length === FAR_WORD_AT ? FAR_WORD : vocabulary[(state >>> 8) % vocabulary.length];
    const token = tokens.length === 0 ? `${word}` : ` ${word}`;
    text += token;
    const ends = stop.map((word) => text.indexOf(word)).filter((index) => index >= 0);
    if (ends.length > 0) {
      return { tokens: cut(tokens, Math.min(...ends)), reason: "stop", inputTokens: countWords(prompt) };
    }
    tokens.push(token);
  }
  const reason = tokens.length < natural ? "length" : "stop";
  return { tokens, reason: natural === maxTokens ? "length" : reason, inputTokens: countWords(prompt) };
}

/** The tokens of a text, as the model counts them. */
export function countWords(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}

/** The tokens up to a character of their text. */
function cut(tokens: readonly string[], length: number): string[] {
  const kept: string[] = [];
  let left = length;
  for (const token of tokens) {
    if (left <= 0) break;
    kept.push(token.slice(0, left));
    left -= token.length;
  }
  return kept;
}

function hash(text: string): number {
  let state = 2166136261;
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16777619) >>> 0;
  return state;
}
