import { nearestName } from "../config/nearest-name.ts";
import { InvalidParameterError, UnsupportedProviderError } from "../errors/index.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import type { LLMConfig } from "../interface/llm-config.ts";
import { explainMissing } from "./explain-missing.ts";

/** A provider's module: what `registerProvider` loads. */
export interface ProviderModule {
  /** Makes an instance, after checking options, platform, dependencies and keys. */
  createProvider(config: LLMConfig): AbstractLLM | Promise<AbstractLLM>;
}

/** Imports a provider's module; called when the provider is first used. */
export type ProviderLoader = () => Promise<ProviderModule>;

/** Providers that are always there. */
type BuiltInProvider =
  | "mlx"
  | "openai"
  | "anthropic"
  | "huggingface"
  | "openai-compatible"
  | "lmstudio"
  | "ollama";

const builtIn: Readonly<Record<BuiltInProvider, ProviderLoader>> = {
  mlx: () => import("../providers/mlx/index.ts"),
  openai: () => import("../providers/openai/index.ts"),
  anthropic: () => import("../providers/anthropic/index.ts"),
  huggingface: () => import("../providers/huggingface/index.ts"),
  "openai-compatible": () => import("../providers/openai-compatible/index.ts"),
  lmstudio: () => import("../providers/lmstudio/index.ts"),
  ollama: () => import("../providers/ollama/index.ts"),
};

const providers = new Map<string, ProviderLoader>(Object.entries(builtIn));

/** Name of a provider: one that is always there, which editors offer, or one that was registered. */
export type ProviderName = BuiltInProvider | (string & {});

/**
 * Makes a provider known to `createLLM`; one of the same name is replaced.
 *
 * @param load - imports the provider's module, so that its dependencies load only when they are needed
 * @throws {InvalidParameterError} for an empty name, or what is no function
 * @example registerProvider("mine", () => import("./my-provider.js"));
 */
export function registerProvider(name: string, load: ProviderLoader): void {
  if (typeof name !== "string" || name === "") {
    throw new InvalidParameterError("name", name, "Expected non-empty string for the provider's name");
  }
  if (typeof load !== "function") {
    const message =
      'Expected function that imports the provider\'s module, such as () => import("./mine.js")';
    throw new InvalidParameterError("load", undefined, message);
  }
  providers.set(name, load);
}

/** Names that `createLLM` takes, in the order of registration. */
export function getAvailableProviders(): string[] {
  return [...providers.keys()];
}

/**
 * Imports a provider's module.
 *
 * @throws {UnsupportedProviderError} naming the known providers, or for a module that is none
 * @throws {UnsupportedFeatureError} with the install command when a package it needs is missing
 */
export async function loadProvider(name: string): Promise<ProviderModule> {
  const load = providers.get(name);
  if (load !== undefined) {
    const module = await load().catch(explainMissing(name));
    if (typeof module?.createProvider === "function") return module;
    throw new UnsupportedProviderError(
      `The module of the provider "${name}" exports no createProvider(config)`,
    );
  }
  const known = getAvailableProviders();
  const nearest = typeof name === "string" ? nearestName(name, known) : undefined;
  const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
  throw new UnsupportedProviderError(
    `There is no provider "${String(name)}". Known providers: ${known.join(", ")}.${hint} Others are added with registerProvider(name, load)`,
    { details: { knownProviders: known } },
  );
}
