import { CausalLM } from "../blocks/causal-lm.ts";
import type { DecoderBody } from "../blocks/decoder-frame.ts";
import { BidirectionalCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import { MlxError } from "../errors.ts";
import type { BoundArchitecture } from "./architecture.ts";
import { EncoderModel } from "./encoder-model.ts";
import type { LanguageModel } from "./language-model.ts";

/** How a config has a decoder read texts. */
interface DecoderSettings {
  readonly hidden_size?: unknown;
  readonly max_position_embeddings?: unknown;
  /** Gemma's word for positions that see both ways. */
  readonly use_bidirectional_attention?: unknown;
  /** The word of others. */
  readonly is_causal?: unknown;
}

const sizeIn = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;

/** A decoder without its output layer. Padding is behind the tokens, where what comes before does not see it. */
class DecoderEncoder extends EncoderModel {
  model: DecoderBody;
  readonly dims: number;
  readonly maxLength: number | undefined;
  readonly #seesBothWays: boolean;
  readonly #language: LanguageModel;

  constructor(language: CausalLM<DecoderBody>, settings: DecoderSettings) {
    super();
    language.lm_head?.dispose();
    this.model = language.model;
    this.#language = language;
    this.dims = sizeIn(settings.hidden_size) ?? language.model.embedding.matrixShape[1] ?? 0;
    this.maxLength = sizeIn(settings.max_position_embeddings);
    this.#seesBothWays = settings.use_bidirectional_attention === true || settings.is_causal === false;
  }

  forward(tokens: MxArray, lengths: readonly number[]): MxArray {
    if (!this.#seesBothWays) return this.model.forward(tokens); // [B, L, E]
    const cache = new BidirectionalCache(lengths);
    return this.model.forward(tokens, { cache: this.model.blocks.map(() => cache) });
  }

  override quantizationOf(path: string) {
    return this.#language.quantizationOf(path);
  }
}

const withoutHead = (weights: ReadonlyMap<string, MxArray>): Map<string, MxArray> =>
  new Map([...weights].filter(([key]) => !key.startsWith("lm_head.")));

/** Weights under the names of the whole language model, which checkpoints of embedders may leave out. */
const namesOfDecoder = (weights: ReadonlyMap<string, MxArray>): Map<string, MxArray> => {
  const hasModel = [...weights.keys()].some((key) => key.startsWith("model."));
  const isBody = (key: string) => !hasModel && !/^(dense|lm_head)\./.test(key);
  return new Map([...weights].map(([key, value]) => [isBody(key) ? `model.${key}` : key, value]));
};

const encoderOf = (language: LanguageModel, config: Readonly<Record<string, unknown>>): DecoderEncoder => {
  if (language instanceof CausalLM) return new DecoderEncoder(language, config);
  language.dispose();
  const message = `Models of type ${String(config.model_type)} make no vectors of texts; take an embedding model`;
  throw new MlxError("unsupported-feature", message, { details: { feature: "embeddings" } });
};

/**
 * A decoder as an encoder, which gives the states that its output layer would read.
 *
 * @param resolve - finds the decoder's architecture
 * @throws {MlxError} as `resolve`
 */
export const decoderAsEncoder = async (
  config: Readonly<Record<string, unknown>>,
  resolve: (config: Readonly<Record<string, unknown>>) => Promise<BoundArchitecture>,
): Promise<BoundArchitecture<EncoderModel>> => {
  const { use_bidirectional_attention: _, is_causal: __, ...own } = config;
  const decoder = await resolve(own);
  return {
    unknownKeys: decoder.unknownKeys,
    create: () => encoderOf(decoder.create(), config),
    sanitize: (weights) => withoutHead(decoder.sanitize(namesOfDecoder(weights))),
  };
};
