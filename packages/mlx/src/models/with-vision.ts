import { TextModel } from "../blocks/text-model.ts";
import { ConfigError } from "../errors.ts";
import type { VisionLanguageModel } from "../vision/index.ts";
import type { Architecture, BoundArchitecture, BoundVision } from "./architecture.ts";
import { type Infer, parseConfig, type Schema } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { sanitize } from "./sanitize.ts";
import type { SanitizeRule } from "./sanitize-rules.ts";

/** What a model that sees has besides its language model. */
export interface VisionDefinition<S extends Schema> {
  /** The keys of a config that it reads, `vision_config` among them. */
  readonly config: S;
  /** Matches the keys of its weights, in every layout that checkpoints came in. */
  readonly weights: RegExp;
  readonly create: (config: Infer<S>, language_model: LanguageModel) => VisionLanguageModel;
  /** Fits those weights to the model. */
  readonly sanitize: readonly SanitizeRule<Infer<S>>[];
}

const languageModelOf = (bound: BoundArchitecture): LanguageModel => {
  const model = bound.create();
  if (!(model instanceof TextModel)) throw new ConfigError("Only a wrapped language model can get vision");
  return model.language_model;
};

/**
 * An architecture that sees where a config has settings for it and a checkpoint the weights; else it is of text alone.
 *
 * @param text - what is there where nothing is seen
 * @param seeing - the same under `language_model`, beside what sees. Default `text`
 */
export const withVision = <S extends Schema>(
  text: Architecture,
  definition: VisionDefinition<S>,
  seeing = text,
): Architecture => ({
  bind: (raw) => {
    const bound = text.bind(raw);
    if (raw.vision_config === undefined || raw.vision_config === null) return bound;
    const vision: BoundVision = {
      weights: definition.weights,
      bind: () => {
        const language = seeing.bind(raw);
        const { config, unknownKeys } = parseConfig(definition.config, raw);
        const unknown = unknownKeys.filter((key) => key.startsWith("vision_config."));
        return {
          unknownKeys: [...language.unknownKeys, ...unknown],
          create: () => definition.create(config, languageModelOf(language)).keepParameters(),
          sanitize: (weights) => {
            const isSeeing = ([key]: [string, unknown]): boolean => definition.weights.test(key);
            const entries = [...weights];
            const own = sanitize(new Map(entries.filter(isSeeing)), definition.sanitize, config);
            const others = language.sanitize(new Map(entries.filter((entry) => !isSeeing(entry))));
            return new Map([...others, ...own]);
          },
        };
      },
    };
    return { ...bound, vision };
  },
});
