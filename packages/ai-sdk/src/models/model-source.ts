import type { AbstractLLM } from "abstractllm";

/** Where a model of the AI SDK has its LLM from. */
export interface ModelSource {
  /** Name of the library's provider, such as `"mlx"`. */
  readonly provider: string;
  readonly modelId: string;
  /** The LLM, opened when it is first asked for. */
  readonly open: () => Promise<AbstractLLM>;
}

/** What a model of the AI SDK says of itself. */
export function factsOf({ provider, modelId }: ModelSource) {
  return { specificationVersion: "v3", provider: `abstractllm.${provider}`, modelId } as const;
}
