import { importOptional } from "../registry/import-optional.ts";

/** The Hugging Face cache and hub, which the engine's package brings. */
export function loadHub(): Promise<typeof import("@abstractllm/mlx/hub")> {
  return importOptional("models", () => import("@abstractllm/mlx/hub"));
}
