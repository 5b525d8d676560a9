import { makePlaceholders } from "../core/array.ts";
import type { MxArray } from "../core/index.ts";
import type { Module } from "../nn/index.ts";
import { type Infer, parseConfig, type Schema, withRopeKeys } from "./config.ts";
import type { LanguageModel } from "./language-model.ts";
import { sanitize } from "./sanitize.ts";
import type { SanitizeRule } from "./sanitize-rules.ts";

/** What a model file exports: how to read its config, build it, and fit a checkpoint to it. */
export interface ArchitectureDefinition<S extends Schema, M extends Module = LanguageModel> {
  readonly config: S;
  readonly create: (config: Infer<S>) => M;
  readonly sanitize?: readonly SanitizeRule<Infer<S>>[];
}

/** An architecture bound to one config. */
export interface BoundArchitecture<M extends Module = LanguageModel> {
  readonly unknownKeys: readonly string[];
  /** The same with what sees images; absent where there is none, or the config has no settings for it. */
  readonly vision?: BoundVision;
  create(): M;
  sanitize(weights: ReadonlyMap<string, MxArray>): Map<string, MxArray>;
}

/** What a model that sees has besides its language model. */
export interface BoundVision {
  /** Matches the keys of its weights. */
  readonly weights: RegExp;
  /** @throws {ConfigError} when its part of the config does not fit the schema */
  bind(): BoundArchitecture;
}

/** A kind of model, known by its `model_type`. */
export interface Architecture<M extends Module = LanguageModel> {
  /** @throws {ConfigError} when the config does not fit the schema */
  bind(rawConfig: Readonly<Record<string, unknown>>): BoundArchitecture<M>;
}

/**
 * Makes an architecture from its parts.
 *
 * @example export const architecture = defineArchitecture({ config, create: (c) => new Model(c), sanitize: [] });
 */
export const defineArchitecture = <S extends Schema, M extends Module = LanguageModel>(
  definition: ArchitectureDefinition<S, M>,
): Architecture<M> => ({
  bind: (raw) => {
    // a schema with rope_parameters reads what is nested there itself
    const isNestedRead = Object.hasOwn(definition.config, "rope_parameters");
    const { config, unknownKeys } = parseConfig(definition.config, isNestedRead ? raw : withRopeKeys(raw));
    return {
      unknownKeys: unknownKeys.filter((key) => Object.hasOwn(raw, key.split(".", 1)[0] ?? key)),
      create: () => makePlaceholders(() => definition.create(config).keepParameters()),
      sanitize: (weights) => sanitize(weights, definition.sanitize ?? [], config),
    };
  },
});
