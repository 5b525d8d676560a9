/** What the compiler knows of `createLLM`: checked by `npm run lint`, never run. */
import { expectTypeOf } from "vitest";
import {
  type AbstractLLM,
  createLLM,
  type GenerateOptions,
  getAvailableProviders,
  ModelCapability,
  ModelParameter,
  type ProviderName,
} from "../../src/index.ts";

const llm = await createLLM("openai", { model: "gpt-4o", temperature: 0.2, apiKey: "k" });
expectTypeOf(llm).toEqualTypeOf<AbstractLLM>();

// any string names a provider, since providers can be registered; those that are always there are offered
expectTypeOf<"mlx">().toExtend<ProviderName>();
expectTypeOf<string>().toExtend<ProviderName>();
expectTypeOf(getAvailableProviders()).toEqualTypeOf<string[]>();

// every provider takes the same options, so that changing the name is enough
const shared = { model: "m", maxTokens: 20, stop: ["\n"] };
await createLLM("mlx", shared);
await createLLM("anthropic", shared);
await createLLM(process.env.PROVIDER ?? "ollama", shared);

// a configuration from Python moves over as it is
await createLLM("openai", { max_tokens: 20, top_p: 0.9, api_key: "k", base_url: null });

// @ts-expect-error an unknown option
await createLLM("openai", { temprature: 1 });
// @ts-expect-error a value of another type
await createLLM("openai", { temperature: "hot" });
// @ts-expect-error a word that is none of the choices
await createLLM("mlx", { device: "tpu" });
// @ts-expect-error an option of a call only
await createLLM("mlx", { signal: AbortSignal.timeout(1) });
// @ts-expect-error a number is no name
await createLLM(1);

expectTypeOf(llm.getParam("temperature")).toEqualTypeOf<number | undefined>();
expectTypeOf(llm.getParam("temperature", 1)).toEqualTypeOf<number>();
expectTypeOf(llm.getParam("device")).toEqualTypeOf<"auto" | "gpu" | "cpu" | undefined>();
expectTypeOf(llm.getParam("max_tokens")).toEqualTypeOf<unknown>();
expectTypeOf(llm.getConfig().stop).toEqualTypeOf<string | readonly string[] | undefined>();
llm.setConfig({ temperature: undefined });

expectTypeOf(llm.getCapabilities()[ModelCapability.VISION]).toEqualTypeOf<boolean>();
expectTypeOf(ModelParameter.MAX_TOKENS).toEqualTypeOf<"maxTokens">();
expectTypeOf<GenerateOptions>().toHaveProperty(ModelParameter.MAX_TOKENS);
