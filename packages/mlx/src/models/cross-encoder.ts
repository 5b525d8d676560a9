import type { MxArray } from "../core/index.ts";
import type { BoundArchitecture } from "./architecture.ts";
import type { EncoderModel } from "./encoder-model.ts";
import { type PairRows, PairScorer } from "./pair-scorer.ts";
import type { ScoreHead } from "./score-heads.ts";

/** An encoder that reads both texts of a pair at once, and a head that makes one number of that. */
class CrossEncoder extends PairScorer {
  encoder: EncoderModel;
  head: ScoreHead;

  constructor(encoder: EncoderModel, head: ScoreHead) {
    super();
    this.encoder = encoder;
    this.head = head;
  }

  get maxLength(): number | undefined {
    return this.encoder.maxLength;
  }

  forward({ tokens, types, lengths }: PairRows): MxArray {
    return this.head.forward(this.encoder.forward(tokens, lengths, types), lengths); // [B, 1]
  }

  /** The head is small, and all depends on it. */
  quantizationOf(path: string) {
    const [part, ...rest] = path.split(".");
    return part === "encoder" && this.encoder.quantizationOf(rest.join("."));
  }
}

const isOfHead = ([key]: readonly [string, MxArray]): boolean => key.startsWith("head.");

/** An encoder with a head of one label. */
export const crossEncoder = (
  encoder: BoundArchitecture<EncoderModel>,
  head: BoundArchitecture<ScoreHead>,
): BoundArchitecture<PairScorer> => ({
  unknownKeys: encoder.unknownKeys.filter((key) => head.unknownKeys.includes(key)),
  create: () => new CrossEncoder(encoder.create(), head.create()),
  sanitize: (weights) => {
    const entries = [...head.sanitize(weights)];
    const body = encoder.sanitize(new Map(entries.filter((entry) => !isOfHead(entry))));
    const named = [...body].map(([key, value]) => [`encoder.${key}`, value] as const);
    return new Map([...named, ...entries.filter(isOfHead)]);
  },
});
