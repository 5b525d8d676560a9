/** Encoders by `model_type`. Files are imported on first use. */
import { MlxError } from "../errors.ts";
import type { Architecture, BoundArchitecture } from "./architecture.ts";
import { decoderAsEncoder } from "./decoder-encoder.ts";
import type { EncoderModel } from "./encoder-model.ts";
import { type EncoderType, encoderTypes } from "./encoder-types.ts";
import { isSequenceClassifier } from "./is-sequence-classifier.ts";
import { resolveArchitecture } from "./registry.ts";

type Load = () => Promise<{ architecture: Architecture<EncoderModel> }>;

const xlmRoberta: Load = () => import("./xlm-roberta.ts");

const encoders: Readonly<Record<EncoderType, Load>> = {
  bert: () => import("./bert.ts"),
  camembert: xlmRoberta,
  modernbert: () => import("./modernbert.ts"),
  mpnet: () => import("./mpnet.ts"),
  roberta: xlmRoberta,
  "xlm-roberta": xlmRoberta,
};

const encoderType = ({ model_type }: Readonly<Record<string, unknown>>): EncoderType | undefined =>
  encoderTypes.find((type) => type === model_type);

/**
 * The language model of a parsed `config.json`, bound to it.
 *
 * @throws {MlxError} as `resolveArchitecture`; `unsupported-feature` for an encoder, which writes no text
 */
export const resolveLanguageModel: typeof resolveArchitecture = async (config) => {
  const type = encoderType(config);
  if (type === undefined) return resolveArchitecture(config);
  const use = isSequenceClassifier(config)
    ? "scores texts and writes none; use rerank"
    : "makes vectors of texts and writes none; use embed";
  const message = `The model, of type ${type}, ${use}, or take a language model`;
  throw new MlxError("unsupported-feature", message, { details: { feature: "generation" } });
};

/**
 * The encoder of a parsed `config.json`, bound to it: a registered one, or a decoder's blocks.
 *
 * @throws {MlxError} `unsupported-architecture` when its `model_type` is registered as neither
 * @throws {ConfigError} when the config does not fit the architecture
 */
export const resolveEncoder = async (
  config: Readonly<Record<string, unknown>>,
): Promise<BoundArchitecture<EncoderModel>> => {
  const type = encoderType(config);
  if (type === undefined) return decoderAsEncoder(config, resolveArchitecture);
  const { architecture } = await encoders[type]();
  return architecture.bind(config);
};
