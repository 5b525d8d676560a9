import type { RuntimeInfo } from "@abstractllm/mlx";

let isSaid = false;

/** What to say of a machine without a GPU, where it was not asked for: once, as it holds for every model of the process. */
export function deviceWarnings(asked: string | undefined, { device }: RuntimeInfo): string[] {
  if (isSaid || asked !== "auto" || device !== "cpu") return [];
  isSaid = true;
  return ["No GPU that MLX can use was found; models run on the CPU"];
}
