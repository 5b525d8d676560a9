import type { LanguageModelV3GenerateResult } from "@ai-sdk/provider";
import { toWarnings } from "../call/warnings.ts";
import type { BegunAnswer } from "./begin-answer.ts";
import { outcomeOf } from "./outcome.ts";
import { toContent } from "./to-content.ts";
import { toFinishReason, toMetadata, toUsage } from "./to-facts.ts";

/** Reads an answer to its end. @throws what the model fails with */
export async function readWhole({ stream, call }: BegunAnswer): Promise<LanguageModelV3GenerateResult> {
  const outcome = await outcomeOf(stream);
  return {
    content: toContent(outcome),
    finishReason: toFinishReason(outcome),
    usage: toUsage(outcome.usage),
    providerMetadata: toMetadata(outcome),
    response: outcome.model === undefined ? {} : { modelId: outcome.model },
    warnings: [...call.warnings, ...toWarnings(outcome.warnings)],
  };
}
