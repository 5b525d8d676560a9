import { explainMissing } from "../registry/explain-missing.ts";

/** The Hugging Face cache and hub, which the engine's package brings. */
export function loadHub(): Promise<typeof import("@abstractllm/mlx/hub")> {
  return import("@abstractllm/mlx/hub").catch(explainMissing("models"));
}
