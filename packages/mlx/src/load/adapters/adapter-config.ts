/** What `adapter_config.json` says, as mlx-lm and as PEFT write it. */
import { join } from "node:path";
import { ConfigError, MlxError } from "../../errors.ts";
import { isObject } from "../is-object.ts";
import { readJsonObject } from "../read-json.ts";

/** `lora`: a product of two thin matrices beside each; `dora`: also a length for each row; `full`: other weights. */
type AdapterKind = "lora" | "dora" | "full";

/** Who wrote the files, which says how tensors are named and lie. */
export type AdapterFormat = "mlx-lm" | "peft";

export interface AdapterConfig {
  readonly format: AdapterFormat;
  readonly kind: AdapterKind;
  /** Columns between the two thin matrices of the layer at `path`. */
  rankOf(path: string): number;
  /** Multiplies the product of those. */
  scaleOf(path: string): number;
}

type Json = Readonly<Record<string, unknown>>;

const CONFIG = "adapter_config.json";

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? "nothing";

const numberAt = (config: Json, key: string, hint = ""): number => {
  const value = config[key];
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new ConfigError(`${CONFIG}: expected a number for ${key} but received ${shown(value)}${hint}`);
};

const rankAt = (config: Json, key: string): number => {
  const rank = numberAt(config, key);
  if (Number.isInteger(rank) && rank > 0) return rank;
  throw new ConfigError(`${CONFIG}: expected a whole number of at least 1 for ${key} but received ${rank}`);
};

const KINDS: readonly AdapterKind[] = ["lora", "dora", "full"];

/** @see mlx-lm 0.32.2 tuner/utils.py load_adapters */
const readMlxConfig = (config: Json): AdapterConfig => {
  const kind = KINDS.find((known) => known === (config.fine_tune_type ?? "lora"));
  if (kind === undefined) {
    throw new ConfigError(
      `${CONFIG}: expected ${KINDS.join(", ")} for fine_tune_type but received ${shown(config.fine_tune_type)}`,
    );
  }
  if (kind === "full") return { format: "mlx-lm", kind, rankOf: () => 0, scaleOf: () => 1 };
  const { lora_parameters: parameters } = config;
  if (!isObject(parameters)) {
    throw new ConfigError(
      `${CONFIG}: expected an object for lora_parameters but received ${shown(parameters)}`,
    );
  }
  const hint = parameters.alpha === undefined ? "" : "; alpha is PEFT's, which is scale times rank";
  const [rank, scale] = [rankAt(parameters, "rank"), numberAt(parameters, "scale", hint)];
  return { format: "mlx-lm", kind, rankOf: () => rank, scaleOf: () => scale };
};

/** Settings of PEFT that change what an adapter means, and that nobody here follows. */
const UNSUPPORTED = [
  "lora_bias",
  "layer_replication",
  "trainable_token_indices",
  "target_parameters",
  "alora_invocation_tokens",
  "use_qalora",
  "use_bdlora",
] as const;

/** Ways to start training that leave the base model as it is; others take something out of it. */
const PLAIN_STARTS: readonly unknown[] = [undefined, null, true, false, "gaussian", "eva", "orthogonal"];

const isSet = (value: unknown): boolean =>
  Array.isArray(value) || isObject(value)
    ? Object.keys(value).length > 0
    : value !== undefined && value !== null && value !== false;

const unsupported = (key: string, value: unknown): MlxError =>
  new MlxError("unsupported-feature", `${CONFIG}: adapters with ${key} ${shown(value)} are not supported`, {
    details: { feature: "adapter", key },
  });

const refuseUnsupported = (config: Json): void => {
  if (config.peft_type !== "LORA") throw unsupported("peft_type", config.peft_type);
  for (const key of UNSUPPORTED) if (isSet(config[key])) throw unsupported(key, config[key]);
  const { init_lora_weights: start } = config;
  if (!PLAIN_STARTS.includes(start)) throw unsupported("init_lora_weights", start);
};

/** The entry of a pattern object for a layer, whose keys end paths. PEFT takes regular expressions too. */
const entryFor = (config: Json, key: string): ((path: string) => number | undefined) => {
  const patterns = config[key] ?? {};
  if (!isObject(patterns)) throw unsupported(key, patterns);
  const entries = Object.keys(patterns).map((name): [string, number] => {
    if (!/^[\w.]+$/.test(name)) throw unsupported(key, name);
    return [name, numberAt(patterns, name)];
  });
  return (path) => entries.find(([name]) => path === name || path.endsWith(`.${name}`))?.[1];
};

const readPeftConfig = (config: Json): AdapterConfig => {
  refuseUnsupported(config);
  const [rank, alpha] = [rankAt(config, "r"), numberAt(config, "lora_alpha")];
  const [ownRank, ownAlpha] = [entryFor(config, "rank_pattern"), entryFor(config, "alpha_pattern")];
  const rankOf = (path: string): number => ownRank(path) ?? rank;
  const divisorOf = (path: string): number =>
    config.use_rslora === true ? Math.sqrt(rankOf(path)) : rankOf(path);
  return {
    format: "peft",
    kind: config.use_dora === true ? "dora" : "lora",
    rankOf,
    scaleOf: (path) => (ownAlpha(path) ?? alpha) / divisorOf(path),
  };
};

/**
 * The settings of an adapter's folder.
 *
 * @throws {ConfigError} when they are missing, damaged, or of a type that nobody knows
 * @throws {MlxError} `unsupported-feature` for settings that cannot be followed
 */
export const readAdapterConfig = (folder: string): AdapterConfig => {
  const config = readJsonObject(join(folder, CONFIG));
  if (config === undefined)
    throw new ConfigError(`${folder} has no ${CONFIG}: it is not an adapter's folder`);
  return config.peft_type === undefined ? readMlxConfig(config) : readPeftConfig(config);
};
