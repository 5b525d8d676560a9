import { join } from "node:path";
import { readPrompts } from "../embedding/read-sentence-transformers.ts";
import { MlxError } from "../errors.ts";
import { isObject } from "../load/is-object.ts";
import { readModelConfig } from "../load/open-safetensors.ts";
import { readJsonObject } from "../load/read-json.ts";
import { isJudge } from "../models/index.ts";
import { DEFAULT_INSTRUCTION } from "./judge-prompt.ts";

/** What a logit may go through to become a score. */
const scoreActivations = ["identity", "sigmoid"] as const;

/** One of {@link scoreActivations}. */
export type ScoreActivation = (typeof scoreActivations)[number];

/** How a model's files say that pairs are read and scored. */
export interface RerankerSettings {
  readonly activation: ScoreActivation;
  /** What a query asks for unless it is said, for models that are told; undefined for those that are not. */
  readonly instruction: string | undefined;
  /** Whether the model is told which text each token is of, where it knows types of tokens. */
  readonly tellsTextsApart: boolean;
  /** Most tokens of a pair, where the files say it besides the config. */
  readonly maxLength: number | undefined;
}

type Config = Readonly<Record<string, unknown>>;

/** The class that the files name, by the keys of several releases of sentence-transformers, the newest first. */
const statedActivation = (folder: string, config: Config): unknown => {
  const { activation_fn } = readJsonObject(join(folder, "config_sentence_transformers.json")) ?? {};
  const { sentence_transformers: own, sbert_ce_default_activation_function: older } = config;
  return activation_fn ?? (isObject(own) ? own.activation_fn : undefined) ?? older;
};

const readActivation = (folder: string, config: Config): ScoreActivation => {
  const stated = statedActivation(folder, config) ?? "sigmoid"; // sentence-transformers' own for one label
  const name = String(stated).split(".").at(-1)?.toLowerCase();
  const found = scoreActivations.find((known) => known === name);
  if (found !== undefined) return found;
  const message = `The model's scores go through ${String(stated).slice(0, 80)}, which is not known. Take another model`;
  throw new MlxError("unsupported-feature", message, { details: { feature: "rerank" } });
};

/** Where no limit is known, transformers writes a number that no text has. */
const asLimit = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;

/** Those of Qwen3-Reranker where no file says more. */
export const judgeSettings: RerankerSettings = {
  activation: "sigmoid", // of the difference between the logits of yes and no
  instruction: DEFAULT_INSTRUCTION,
  tellsTextsApart: false,
  maxLength: undefined,
};

/**
 * How pairs are read and scored by the model in a folder.
 *
 * @throws {ConfigError} for a damaged file
 * @throws {MlxError} `unsupported-feature` for an activation that is not known
 */
export const readRerankerSettings = (folder: string): RerankerSettings => {
  const config = readModelConfig(folder);
  const { model_max_length, model_input_names: inputs } =
    readJsonObject(join(folder, "tokenizer_config.json")) ?? {};
  const maxLength = asLimit(model_max_length);
  if (!isJudge(config)) {
    const tellsTextsApart = !Array.isArray(inputs) || inputs.includes("token_type_ids");
    return { activation: readActivation(folder, config), instruction: undefined, tellsTextsApart, maxLength };
  }
  const { standard } = readPrompts(folder);
  return { ...judgeSettings, maxLength, ...(standard === "" ? {} : { instruction: standard }) };
};
