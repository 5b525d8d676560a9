/** What the compiler knows of sessions, chains, hooks and custom providers: checked by `npm run lint`, never run. */
import { expectTypeOf } from "vitest";
import { z } from "zod";
import {
  type AbstractLLM,
  BaseProvider,
  type Capabilities,
  createCapabilityChain,
  createFallbackChain,
  createLLM,
  createSession,
  createWeightedChain,
  type DeltaPart,
  type GenerateResponse,
  type LLMConfig,
  type LLMStream,
  type Message,
  ModelCapability,
  type ObjectResponse,
  type ProviderAnswer,
  type ProviderCall,
  type ProviderChain,
  registerProvider,
  Session,
  type SessionData,
  withCircuitBreaker,
  withHooks,
  withRetry,
  withTelemetry,
} from "../../src/index.ts";

// sessions
const session = await createSession("openai", { model: "gpt-4o", systemPrompt: "Be brief.", id: "a" });
expectTypeOf(session).toEqualTypeOf<Session>();
expectTypeOf(await session.send("x")).toEqualTypeOf<GenerateResponse>();
expectTypeOf(session.stream("x")).toEqualTypeOf<LLMStream>();
const schema = z.object({ n: z.number() });
expectTypeOf(await session.send("x", { schema })).toEqualTypeOf<ObjectResponse<{ n: number }>>();
expectTypeOf(session.messages).toEqualTypeOf<readonly Message[]>();
expectTypeOf(await session.export()).toEqualTypeOf<SessionData>();
expectTypeOf(session.fork()).toEqualTypeOf<Session>();
declare const llm: AbstractLLM;
expectTypeOf(await Session.load("a.json", llm)).toEqualTypeOf<Session>();
await createSession(llm, { systemPrompt: "Be brief." });
// @ts-expect-error a model that is there comes from nowhere else
await createSession(llm, { model: "gpt-4o" });
// @ts-expect-error the system prompt is no option of createSession alone
await createSession("openai", { system: "Be brief." });

// chains are LLMs, and so is what wraps one
const chain = await createFallbackChain([["openai", { model: "gpt-4o" }], "ollama", llm], {
  onProviderChange: ({ from, to, error }) => {
    expectTypeOf([from, to]).toEqualTypeOf<AbstractLLM[]>();
    expectTypeOf(error).toEqualTypeOf<unknown>();
  },
});
expectTypeOf(chain).toEqualTypeOf<ProviderChain>();
expectTypeOf(chain).toExtend<AbstractLLM>();
expectTypeOf(await chain.generate("x", { schema })).toEqualTypeOf<ObjectResponse<{ n: number }>>();
await createCapabilityChain([ModelCapability.VISION], ["openai", llm]);
await createWeightedChain([{ member: llm, weight: 2 }]);
// @ts-expect-error a member's configuration is checked
await createFallbackChain([["openai", { modle: "gpt-4o" }]]);
expectTypeOf(withRetry(llm, { maxRetries: 2 })).toEqualTypeOf<AbstractLLM>();
expectTypeOf(withCircuitBreaker(llm)).toEqualTypeOf<AbstractLLM>();
expectTypeOf(await withTelemetry(llm)).toEqualTypeOf<AbstractLLM>();
withHooks(llm, (call) => {
  if (call.operation === "generate") expectTypeOf(call.prompt).toExtend<string | readonly Message[]>();
  return { onPart: (part) => expectTypeOf(part.type).toExtend<string>() };
});

// a provider of one's own
class Echo extends BaseProvider {
  constructor(config: LLMConfig) {
    super({ name: "echo", defaults: {}, environment: {}, supported: new Set(["temperature"]) }, config);
  }
  getCapabilities(): Capabilities {
    throw new Error("not run");
  }
  async load(): Promise<void> {}
  async unload(): Promise<void> {}
  protected async respond(
    { messages, options }: ProviderCall,
    emit: (part: DeltaPart) => void,
    signal: AbortSignal,
  ): Promise<ProviderAnswer> {
    expectTypeOf(options.temperature).toEqualTypeOf<number | undefined>();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
    emit({ type: "text-delta", text: `${messages.length}` });
    // @ts-expect-error the end is not the provider's to emit
    emit({ type: "finish" });
    throw new Error("not run");
  }
  protected async count(): Promise<number> {
    return 0;
  }
}
registerProvider("echo", async () => ({ createProvider: (config) => new Echo(config) }));
expectTypeOf(await createLLM("echo", { temperature: 1 })).toEqualTypeOf<AbstractLLM>();
// @ts-expect-error an option that there is not
new Echo({ volume: 11 });
