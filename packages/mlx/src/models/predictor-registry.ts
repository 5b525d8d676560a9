/** Predictors by `model_type`: of their files, and of the models whose files have them. Files are imported on first use. */
import { MlxError } from "../errors.ts";
import type { Architecture, BoundArchitecture } from "./architecture.ts";
import type { Predictor } from "./predictor.ts";

type Load = () => Promise<Architecture<Predictor>>;
type Config = Readonly<Record<string, unknown>>;

const gemma4: Load = async () => (await import("./gemma4_assistant.ts")).architecture;
const ofQwen35: Load = async () => (await import("./qwen3_5_mtp.ts")).ofQwen35;

const inOwnFiles = new Map<unknown, Load>([
  ["gemma4_assistant", gemma4],
  ["gemma4_unified_assistant", gemma4],
  ["qwen3_5_mtp", async () => (await import("./qwen3_5_mtp.ts")).architecture],
]);

const inModelFiles = new Map<unknown, Load>([
  ["qwen3_5", ofQwen35],
  ["qwen3_5_moe", ofQwen35],
  ["qwen3_next", async () => (await import("./qwen3_5_mtp.ts")).ofQwen3Next],
]);

const refuse = (message: string): never => {
  throw new MlxError("unsupported-feature", message, { details: { feature: "draftModel" } });
};

/** Whether a parsed `config.json` is of a predictor. */
export const isPredictor = ({ model_type }: Config): boolean => inOwnFiles.has(model_type);

/** The predictor of its own parsed `config.json`, bound to it. @throws {MlxError} `unsupported-feature` unless `isPredictor` */
export const resolvePredictor = async (config: Config): Promise<BoundArchitecture<Predictor>> => {
  const load = inOwnFiles.get(config.model_type);
  return load === undefined
    ? refuse(`No draft model is of type ${config.model_type}`)
    : (await load()).bind(config);
};

/**
 * The predictor among a model's weights, bound to the model's parsed `config.json`.
 *
 * @throws {MlxError} `unsupported-feature` for a type of model that has none, or none that is known here
 */
export const resolveOwnPredictor = async (config: Config): Promise<BoundArchitecture<Predictor>> => {
  const load = inModelFiles.get(config.model_type);
  if (load !== undefined) return (await load()).bind(config);
  return refuse(
    `Models of type ${config.model_type} have no layers here that predict tokens; those of ${[...inModelFiles.keys()].join(", ")} may`,
  );
};
