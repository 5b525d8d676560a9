import { createDecoderStages, type DecoderStage } from "./decoder-stages.ts";

/** Turns token ids into text one at a time, in linear time, emitting only text that later tokens cannot change. */
export interface StreamingDetokenizer {
  /** The text that became final with this token; often empty. */
  add(id: number): string;
  /** The text still held back. The next `add` begins a new answer. */
  flush(): string;
}

/** What a detokenizer needs to know of its tokenizer. */
export interface DetokenizerSource {
  /** The `decoder` object of tokenizer.json; undefined or null when it has none. */
  decoder: unknown;
  idToToken(id: number): string | undefined;
  /** Ids to leave out. */
  skip: ReadonlySet<number>;
  /** The first answer goes on where other text ended. */
  continues: boolean;
}

/**
 * Builds a streaming detokenizer whose deltas add up to what the tokenizer's own decoder gives for the whole answer.
 *
 * A decoder of a kind that cannot be streamed (CTC, a regular-expression replacement) gives its text at `flush`,
 * through `decodeAll`.
 */
export function createStreamingDetokenizer(
  source: DetokenizerSource,
  decodeAll: (tokens: string[]) => string,
): StreamingDetokenizer {
  const makeStages = createDecoderStages(source.decoder);
  return makeStages === undefined
    ? new WholeDetokenizer(source, decodeAll)
    : new StagedDetokenizer(source, makeStages);
}

/** A token that every decoder gives as it is and at once, unless it looks at the next one. */
const OTHER_TEXT = "x";

class StagedDetokenizer implements StreamingDetokenizer {
  private stages: DecoderStage[];

  constructor(
    private readonly source: DetokenizerSource,
    private readonly makeStages: () => DecoderStage[],
  ) {
    this.stages = makeStages();
    if (source.continues) this.run([OTHER_TEXT], 0);
  }

  add(id: number): string {
    if (this.source.skip.has(id)) return "";
    const token = this.source.idToToken(id);
    return token === undefined ? "" : this.run([token], 0);
  }

  flush(): string {
    let text = "";
    for (const [index, stage] of this.stages.entries()) {
      text += this.run(stage.end(), index + 1);
    }
    this.stages = this.makeStages();
    return text;
  }

  /** Sends pieces through the stages from `first` on. */
  private run(pieces: string[], first: number): string {
    for (let i = first; i < this.stages.length; i++) pieces = pushAll(this.stages[i], pieces);
    return pieces.join("");
  }
}

/** Mostly of one piece, as a token is: every decode step comes here. */
function pushAll(stage: DecoderStage | undefined, pieces: string[]): string[] {
  const [first] = pieces;
  if (stage === undefined || first === undefined) return pieces;
  return pieces.length === 1 ? stage.push(first) : pieces.flatMap((piece) => stage.push(piece));
}

class WholeDetokenizer implements StreamingDetokenizer {
  private tokens: string[] = [];

  constructor(
    private readonly source: DetokenizerSource,
    private readonly decodeAll: (tokens: string[]) => string,
  ) {}

  add(id: number): string {
    const token = this.source.skip.has(id) ? undefined : this.source.idToToken(id);
    if (token !== undefined) this.tokens.push(token);
    return "";
  }

  flush(): string {
    const text = this.decodeAll(this.tokens);
    this.tokens = [];
    return text;
  }
}
