export type { FakeAnswer, FakeAnswers, FakeToolCall } from "./fake-answer.ts";
export { FakeLLM } from "./fake-llm.ts";
