import { explainMissing } from "../../registry/explain-missing.ts";

/** The engine. @throws {UnsupportedFeatureError} with the install command when it is missing */
export function importEngine(): Promise<typeof import("@abstractllm/mlx")> {
  return import("@abstractllm/mlx").catch(explainMissing("mlx"));
}

/** The engine's access to the Hugging Face hub. @throws {UnsupportedFeatureError} likewise */
export function importHub(): Promise<typeof import("@abstractllm/mlx/hub")> {
  return import("@abstractllm/mlx/hub").catch(explainMissing("mlx"));
}

/** What the engine knows of images. @throws {UnsupportedFeatureError} likewise */
export function importImages(): Promise<typeof import("@abstractllm/mlx/images")> {
  return import("@abstractllm/mlx/images").catch(explainMissing("mlx"));
}
