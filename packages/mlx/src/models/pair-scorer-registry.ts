import { MlxError } from "../errors.ts";
import type { BoundArchitecture } from "./architecture.ts";
import { crossEncoder } from "./cross-encoder.ts";
import { decoderJudge } from "./decoder-judge.ts";
import { resolveEncoder } from "./encoder-registry.ts";
import { encoderTypes } from "./encoder-types.ts";
import { isSequenceClassifier } from "./is-sequence-classifier.ts";
import type { PairScorer } from "./pair-scorer.ts";
import { resolveArchitecture } from "./registry.ts";
import { scoreHeads } from "./score-heads.ts";

type Config = Readonly<Record<string, unknown>>;

/** Transformers' number of labels where a config names none. */
const DEFAULT_LABELS = 2;

const INSTEAD =
  "Take a cross-encoder, such as cross-encoder/ms-marco-MiniLM-L6-v2, BAAI/bge-reranker-v2-m3 or Qwen/Qwen3-Reranker-0.6B";

const refuse = (message: string): MlxError =>
  new MlxError("unsupported-feature", message, { details: { feature: "rerank" } });

const labelCount = ({ num_labels, id2label }: Config): number => {
  if (typeof num_labels === "number") return num_labels;
  return typeof id2label === "object" && id2label !== null ? Object.keys(id2label).length : DEFAULT_LABELS;
};

/** Whether a model is asked about pairs in a prompt, as Qwen3-Reranker is. */
export const isJudge = (config: Config): boolean =>
  config.model_type === "qwen3" && !isSequenceClassifier(config);

/**
 * What scores pairs of texts, of a parsed `config.json`: an encoder with a head of one label, or Qwen3.
 *
 * @throws {MlxError} `unsupported-feature` for a model that scores no pairs
 * @throws {ConfigError} when the config does not fit the architecture
 */
export const resolvePairScorer = async (config: Config): Promise<BoundArchitecture<PairScorer>> => {
  if (isJudge(config)) return decoderJudge(await resolveArchitecture(config), config);
  const type = encoderTypes.find((known) => known === config.model_type);
  if (type === undefined || !isSequenceClassifier(config)) {
    const found = type === undefined ? `is of type ${String(config.model_type)}` : "has no head for that";
    throw refuse(`The model scores no pairs of texts: it ${found}. ${INSTEAD}`);
  }
  const labels = labelCount(config);
  if (labels !== 1)
    throw refuse(`The model sorts texts into ${labels} classes, and to rerank takes one label. ${INSTEAD}`);
  return crossEncoder(await resolveEncoder(config), scoreHeads[type].bind(config));
};
