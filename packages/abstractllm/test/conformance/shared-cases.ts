import { afterAll, beforeAll } from "vitest";
import { createLLM } from "../../src/index.ts";
import { HttpService } from "../services/http-service.ts";
import { abortCases } from "./abort-cases.ts";
import { answerCases } from "./answer-cases.ts";
import { refusalCases } from "./refusal-cases.ts";
import type { RemoteSubject } from "./remote-cases.ts";
import type { Lack, Subject } from "./subject.ts";

/** The table of every provider, for one behind HTTP, with its service well. */
export function sharedCases(
  { provider, behaviour, config, basePath }: RemoteSubject,
  lacks: readonly Lack[],
): void {
  let service: HttpService;
  beforeAll(async () => {
    service = await HttpService.start(behaviour);
  });
  afterAll(() => service.stop());

  const subject: Subject = {
    provider,
    open: (given) =>
      createLLM(provider, { ...config, baseUrl: service.origin + basePath, temperature: 0, ...given }),
    templated: {},
    endless: { maxTokens: 500 },
    lacks: new Set(lacks),
  };
  answerCases(subject);
  abortCases(subject);
  refusalCases(subject);
}
