import { describe, expect, test } from "vitest";
import {
  AllProvidersFailedError,
  AuthenticationError,
  ContextWindowExceededError,
  createCapabilityChain,
  createFallbackChain,
  createRoundRobinChain,
  createWeightedChain,
  InvalidParameterError,
  ModelCapability,
  type ProviderAnswer,
  ProviderAPIError,
  type ProviderChange,
  ProviderConnectionError,
  QuotaExceededError,
  registerProvider,
  Session,
  tool,
  UnsupportedFeatureError,
  withRetry,
} from "../../src/index.ts";
import { FailingProvider, SEEING } from "../support/failing-provider.ts";
import { ScriptedProvider } from "../support/scripted-provider.ts";

const gone = () => new ProviderConnectionError("gone", { provider: "scripted" });
const good = (text = "Hello") => new FailingProvider([], { text });
const bad = (...errors: unknown[]) => new FailingProvider(errors, { text: "never" });

describe("a fallback chain", () => {
  test("lets the first member answer while it can", async () => {
    const [first, second] = [good("first"), good("second")];
    const chain = await createFallbackChain([first, second]);
    const { text, warnings } = await chain.generate("Hi");
    expect([text, warnings]).toEqual(["first", ["said"]]);
    expect(second.calls).toEqual([]);
  });

  test.each([
    ["a lost connection", gone()],
    ["a wrong key", new AuthenticationError("wrong key")],
    ["a prompt that is too long for it", new ContextWindowExceededError(1, 2)],
    ["an error of no known class", new Error("odd")],
  ])("goes on after %s, and says so", async (_, error) => {
    const [first, second] = [bad(error), good("second")];
    const changes: ProviderChange[] = [];
    const chain = await createFallbackChain([first, second], { onProviderChange: (c) => changes.push(c) });
    const { text, warnings } = await chain.generate("Hi");
    expect(text).toBe("second");
    expect(warnings.at(-1)).toBe(`The chain went on from scripted, which failed: ${error.message}`);
    expect(changes).toEqual([{ from: first, to: second, error }]);
  });

  test("never has another member go on with an answer that was begun", async () => {
    const first = new FailingProvider([gone()], { before: "Once upon" });
    const second = good();
    const parts = [];
    const stream = (await createFallbackChain([first, second])).stream("Hi");
    for await (const part of stream) parts.push(part);
    expect(parts).toEqual([
      { type: "text-delta", text: "Once upon" },
      { type: "error", error: expect.any(ProviderConnectionError) },
    ]);
    expect(second.calls).toEqual([]);
  });

  test("has another member answer when one fails that only read the prompt", async () => {
    const first = new FailingProvider([gone()], { readsPrompt: true });
    const chain = await createFallbackChain([first, good("second")]);
    const stream = chain.stream("Hi");
    const types: string[] = [];
    for await (const { type } of stream) types.push(type);
    expect([types[0], types.at(-1)]).toEqual(["prompt-usage", "finish"]);
    expect((await stream.response).text).toBe("second");
  });

  test("has another member answer when a begun answer breaks that nobody saw", async () => {
    const first = new FailingProvider([gone()], { before: "Once upon" });
    const inner = await createFallbackChain([first]);
    const { text } = await (await createFallbackChain([inner, good("second")])).generate("Hi");
    expect(text).toBe("second");
  });

  test("never has a tool run twice", async () => {
    class BreaksAfterTools extends ScriptedProvider {
      protected override respond(...args: Parameters<ScriptedProvider["respond"]>): Promise<ProviderAnswer> {
        if (this.calls.length === 1) throw gone();
        return super.respond(...args);
      }
    }
    const toolCalls = [{ id: "1", name: "pay", arguments: {} }];
    const [first, second] = [new BreaksAfterTools([{ toolCalls }]), good()];
    let payments = 0;
    const pay = tool({ name: "pay", parameters: { type: "object" }, execute: () => ++payments });
    const chain = await createFallbackChain([first, second]);
    await expect(chain.generate("Pay", { tools: [pay] })).rejects.toBeInstanceOf(ProviderConnectionError);
    expect([payments, second.calls]).toEqual([1, []]);
  });

  test("ends at once for what would fail everywhere", async () => {
    const [first, second] = [good(), good()];
    const chain = await createFallbackChain([first, second]);
    await expect(chain.generate("Hi", { temperature: 9 })).rejects.toBeInstanceOf(InvalidParameterError);
    expect(() => chain.stream("Hi", { temprature: 1 } as object)).toThrow('did you mean "temperature"?');
    const missing = chain.generate("Hi", { files: ["/not/there.txt"] });
    await expect(missing).rejects.toMatchObject({ name: "FileProcessingError" });
    const reason = new Error("enough");
    await expect(chain.generate("Hi", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect([first.calls, second.calls]).toEqual([[], []]);
  });

  test("never asks another member after an abort", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    class Aborted extends FailingProvider {
      protected override async respond(): Promise<never> {
        controller.abort(reason);
        throw gone();
      }
    }
    const second = good();
    const chain = await createFallbackChain([new Aborted([]), second]);
    await expect(chain.generate("Hi", { signal: controller.signal })).rejects.toBe(reason);
    expect(second.calls).toEqual([]);
  });

  test("says what each member said when all fail", async () => {
    const refused = new AuthenticationError("wrong key", { provider: "scripted" });
    const chain = await createFallbackChain([bad(gone()), bad(refused)]);
    const failed = chain.generate("Hi");
    await expect(failed).rejects.toBeInstanceOf(AllProvidersFailedError);
    await expect(failed).rejects.toMatchObject({
      message:
        "[chain] No member of the chain could answer: scripted: [scripted] gone; scripted: [scripted] wrong key",
      retryable: true,
      cause: refused,
      failures: [{ provider: "scripted", error: { code: "connection" } }, { error: refused }],
    });
  });

  test("never gives a member what another one left in the messages for itself", async () => {
    class Signing extends ScriptedProvider {
      protected override async respond(...call: Parameters<ScriptedProvider["respond"]>) {
        return { ...(await super.respond(...call)), providerData: { signature: this.getParam("model") } };
      }
    }
    const script = [{ text: "a" }, { text: "b" }];
    const [one, two] = ["one", "two"].map((model) => new Signing(script, "native", { model })) as [
      Signing,
      Signing,
    ];
    const chain = await createRoundRobinChain([one, two]);
    const session = new Session(chain);
    for (const prompt of ["1", "2", "3", "4"]) await session.send(prompt);
    const kept = [one, two].map(({ calls }) =>
      calls.at(-1)?.messages.flatMap((message) => ("providerData" in message ? [message.providerData] : [])),
    );
    expect(kept).toEqual([[{ scripted: { signature: "one" } }], [{ scripted: { signature: "two" } }]]);
  });

  test("leaves out members that cannot be opened, while there is another one", async () => {
    const missing = async () => {
      throw new AuthenticationError("no key");
    };
    registerProvider("keyless", missing);
    const chain = await createFallbackChain([["keyless", { model: "m" }], good("second")]);
    expect((await chain.generate("Hi")).text).toBe("second");
    expect(chain.unavailable).toMatchObject([
      { provider: "keyless", model: "m", error: { message: "no key" } },
    ]);
    const none = createFallbackChain(["keyless"]);
    await expect(none).rejects.toThrow("No member of the chain could answer: keyless: no key");
    await expect(createFallbackChain([])).rejects.toThrow("at least one member");
    await expect(createFallbackChain([good(), ["openai", { modl: "x" } as object]])).rejects.toThrow(
      '"model"',
    );
  });

  test("can be a member of a chain, a session's model, and be repeated as a whole", async () => {
    const again = () => new QuotaExceededError("busy", { retryAfterMs: 0 });
    const inner = await createFallbackChain([bad(again(), again()), bad(again())]);
    expect((await withRetry(inner).generate("Hi")).text).toBe("never");
    const outer = await createFallbackChain([await createFallbackChain([bad(gone())]), good("outer")]);
    const session = new Session(outer);
    expect((await session.send("Hi")).text).toBe("outer");
    expect(session.messages).toHaveLength(2);
  });

  test("can what any member can, and gives all of them back", async () => {
    const [blind, seeing] = [good(), new FailingProvider([], { capabilities: SEEING })];
    const chain = await createFallbackChain([blind, seeing]);
    expect(chain.getCapabilities()).toMatchObject({
      supports_vision: true,
      supports_embeddings: false,
      max_tokens: 10,
    });
    chain.setConfig({ temperature: 0.5 });
    expect([blind, seeing, chain].map((llm) => llm.getParam("temperature"))).toEqual([0.5, 0.5, 0.5]);
    await chain[Symbol.asyncDispose]();
    expect([blind.unloads, seeing.unloads]).toEqual([1, 1]);
  });

  test("makes vectors with one member only", async () => {
    const chain = await createFallbackChain([bad(), good()]);
    await expect(chain.embed("x")).rejects.toBeInstanceOf(UnsupportedFeatureError);
  });
});

test("a capability chain asks only members that can do what is required", async () => {
  const blind = good("blind");
  const seeing = new FailingProvider([], { text: "seeing", capabilities: SEEING });
  const chain = await createCapabilityChain([ModelCapability.VISION], [blind, seeing]);
  expect((await chain.generate("Hi")).text).toBe("seeing");
  const none = createCapabilityChain([ModelCapability.VISION, ModelCapability.TOOL_USE], [blind, seeing]);
  await expect(none).rejects.toThrow("scripted lacks supports_vision, scripted lacks supports_tool_use");
});

test("a round-robin chain asks each in turn, and those after it when it fails", async () => {
  const chain = await createRoundRobinChain([
    good("a"),
    new FailingProvider([gone()], { text: "b" }),
    good("c"),
  ]);
  const texts = [];
  for (let call = 0; call < 6; call++) texts.push((await chain.generate("Hi")).text);
  expect(texts).toEqual(["a", "c", "c", "a", "b", "c"]);
});

test("a weighted chain refuses weights that are none", async () => {
  for (const weight of [0, -1, Number.NaN, Infinity]) {
    await expect(createWeightedChain([{ member: good(), weight }])).rejects.toThrow(
      "for weight but received",
    );
  }
  const chain = await createWeightedChain([
    { member: bad(new ProviderAPIError("x")), weight: 1e9 },
    { member: good("light"), weight: 1e-9 },
  ]);
  expect((await chain.generate("Hi")).text).toBe("light");
});
