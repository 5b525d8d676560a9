/** The files that sentence-transformers writes beside a model. @see sentence-transformers 6.2 base/modules */
import { join } from "node:path";
import { type PoolingMode, poolingModes } from "../blocks/pooling.ts";
import { ConfigError, MlxError } from "../errors.ts";
import { isObject } from "../load/is-object.ts";
import { readJsonObject, readJsonValue } from "../load/read-json.ts";
import {
  type DenseActivation,
  type DenseSettings,
  denseActivations,
  type EmbeddingSettings,
} from "./embedding-settings.ts";
import { noPrompts, type TextPrompts } from "./text-prompts.ts";

/** A step of the pipeline: the last part of its class, and the folder of its settings. */
interface PipelineStep {
  readonly kind: string;
  readonly path: string;
}

/** Settings of the first step, under the names that they had over the years. */
const TRANSFORMER_FILES = [
  "bert",
  "roberta",
  "distilbert",
  "camembert",
  "albert",
  "xlm-roberta",
  "xlnet",
].map((name) => `sentence_${name}_config.json`);

/** Older files have a flag for each mode, in the order in which several are joined. */
const POOLING_FLAGS: readonly (readonly [string, PoolingMode])[] = [
  ["pooling_mode_cls_token", "cls"],
  ["pooling_mode_max_tokens", "max"],
  ["pooling_mode_mean_tokens", "mean"],
  ["pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"],
  ["pooling_mode_weightedmean_tokens", "weightedmean"],
  ["pooling_mode_lasttoken", "lasttoken"],
];

/** Modules of sentence-transformers itself, whatever the release calls their package. */
const OWN_MODULE = /^sentence_transformers\.(?:[\w.]+\.)?(\w+)$/;
/** A folder within the model's (CWE-22). */
const FOLDER_NAME = /^[\w-][\w.-]*$/;

const unsupported = (what: string): MlxError =>
  new MlxError("unsupported-feature", `modules.json: ${what}. Take another model`, {
    details: { feature: "embeddings" },
  });

const readStep = (value: unknown): PipelineStep => {
  const { type, path } = isObject(value) ? value : {};
  if (typeof type !== "string" || typeof path !== "string")
    throw new ConfigError("modules.json: expected a type and a path in every entry");
  const kind = OWN_MODULE.exec(type)?.[1];
  if (kind === undefined)
    throw unsupported(`the module ${type.slice(0, 80)} is code of the repository's own`);
  if (path !== "" && !FOLDER_NAME.test(path))
    throw new ConfigError(`modules.json: expected the name of a folder but received ${path.slice(0, 80)}`);
  return { kind, path };
};

const readSteps = (folder: string): PipelineStep[] | undefined => {
  const modules = readJsonValue(join(folder, "modules.json"));
  if (modules === undefined) return undefined;
  if (!Array.isArray(modules)) throw new ConfigError("modules.json: expected a list");
  const steps = modules.map(readStep);
  const order = steps.map(({ kind }) => kind).join(" ");
  if (!/^Transformer Pooling( Dense)*( Normalize)?$/.test(order))
    throw unsupported(
      `the steps ${order} are not those of a text's vector (Transformer Pooling Dense Normalize)`,
    );
  if (steps[0]?.path !== "") throw unsupported("the transformer is in a folder of its own");
  return steps;
};

const isMode = (value: unknown): value is PoolingMode => poolingModes.some((mode) => mode === value);

const readPooling = (folder: string): Pick<EmbeddingSettings, "pooling" | "poolsPrompt"> => {
  const config = readJsonObject(join(folder, "config.json"));
  if (config === undefined)
    throw new ConfigError(`${folder} has no config.json: the model does not say how it pools`);
  const given = config.pooling_mode;
  const flagged = POOLING_FLAGS.flatMap(([flag, mode]) => (config[flag] === true ? [mode] : []));
  const modes: unknown[] = given === undefined ? flagged : [given].flat();
  const unknown = modes.find((mode) => !isMode(mode));
  if (unknown !== undefined)
    throw new ConfigError(`${folder}: expected one of ${poolingModes.join(", ")} for pooling_mode`);
  const pooling = modes.filter(isMode);
  return { pooling: pooling.length === 0 ? ["mean"] : pooling, poolsPrompt: config.include_prompt !== false };
};

const activationOf = (name: unknown, folder: string): DenseActivation => {
  if (name === undefined) return "tanh";
  const last = String(name).split(".").at(-1)?.toLowerCase();
  const found = denseActivations.find((known) => known === last);
  if (found === undefined) throw unsupported(`${folder} has the activation ${String(name).slice(0, 80)}`);
  return found;
};

const readDense = (root: string, { path }: PipelineStep): DenseSettings => {
  const folder = join(root, path);
  const config = readJsonObject(join(folder, "config.json")) ?? {};
  const { in_features: inputDims, out_features: outputDims, bias, activation_function } = config;
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
  if (!isSize(inputDims) || !isSize(outputDims))
    throw new ConfigError(`${folder}/config.json: expected whole numbers for in_features and out_features`);
  if (config.use_residual === true) throw unsupported(`${path} adds what it is given`);
  return {
    inputDims,
    outputDims,
    hasBias: bias !== false,
    activation: activationOf(activation_function, path),
    folder,
  };
};

/** The prompts of `config_sentence_transformers.json`. */
export const readPrompts = (folder: string): TextPrompts => {
  const config = readJsonObject(join(folder, "config_sentence_transformers.json"));
  if (!isObject(config?.prompts)) return noPrompts;
  const entries = Object.entries(config.prompts).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const named = Object.fromEntries(entries);
  const { default_prompt_name: standard } = config;
  return { named, standard: typeof standard === "string" ? (named[standard] ?? "") : "" };
};

const readTransformer = (folder: string): Pick<EmbeddingSettings, "maxLength" | "lowerCases"> => {
  for (const name of TRANSFORMER_FILES) {
    const config = readJsonObject(join(folder, name));
    if (config === undefined) continue;
    const { max_seq_length: most, do_lower_case } = config;
    return {
      maxLength: typeof most === "number" && Number.isSafeInteger(most) && most > 0 ? most : undefined,
      lowerCases: do_lower_case === true,
    };
  }
  return { maxLength: undefined, lowerCases: false };
};

/**
 * How the files of a model folder say that vectors are made; undefined where sentence-transformers wrote none.
 *
 * @throws {ConfigError} for a damaged file
 * @throws {MlxError} `unsupported-feature` for a step that is not known
 */
export const readSentenceTransformers = (folder: string): EmbeddingSettings | undefined => {
  const steps = readSteps(folder);
  if (steps === undefined) return undefined;
  const pooling = steps.find(({ kind }) => kind === "Pooling");
  return {
    ...readPooling(join(folder, pooling?.path ?? "")),
    dense: steps.filter(({ kind }) => kind === "Dense").map((step) => readDense(folder, step)),
    normalizes: steps.at(-1)?.kind === "Normalize",
    ...readTransformer(folder),
    prompts: readPrompts(folder),
    warnings: [],
  };
};
