import { createServer } from "node:net";
import type { LLMConfig } from "../../src/index.ts";
import { anthropicService } from "./anthropic-service.ts";
import { HttpService } from "./http-service.ts";
import { ollamaService } from "./ollama-service.ts";
import { openAIService } from "./openai-service.ts";

/** A provider and its configuration, as chains take them. */
export type ServiceMember = readonly [provider: string, config: LLMConfig];

/** Three services of different protocols, each over the toy model. */
export class SeveralServices {
  readonly openai: HttpService;
  readonly anthropic: HttpService;
  readonly ollama: HttpService;

  private constructor(openai: HttpService, anthropic: HttpService, ollama: HttpService) {
    this.openai = openai;
    this.anthropic = anthropic;
    this.ollama = ollama;
  }

  static async start(): Promise<SeveralServices> {
    const models = ["gpt-4o", "gpt-3.5-turbo"];
    return new SeveralServices(
      await HttpService.start(openAIService({ models, apiKey: "sk-openai" })),
      await HttpService.start(anthropicService({ apiKey: "sk-anthropic" })),
      await HttpService.start(ollamaService),
    );
  }

  /** How each service is reached. */
  get members(): { openai: ServiceMember; anthropic: ServiceMember; ollama: ServiceMember } {
    const { openai, anthropic, ollama } = this;
    return {
      openai: ["openai", { model: "gpt-4o", apiKey: "sk-openai", baseUrl: `${openai.origin}/v1` }],
      anthropic: [
        "anthropic",
        { model: "claude-haiku-5-5", apiKey: "sk-anthropic", baseUrl: anthropic.origin },
      ],
      ollama: ["ollama", { model: "phi4-mini:latest", baseUrl: ollama.origin }],
    };
  }

  /** Forgets what was asked and what should go wrong. */
  reset(): void {
    for (const { requests, faults } of [this.openai, this.anthropic, this.ollama]) {
      requests.length = 0;
      faults.length = 0;
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.openai.stop(), this.anthropic.stop(), this.ollama.stop()]);
  }
}

/** An address on which nothing listens. */
export async function closedAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}
