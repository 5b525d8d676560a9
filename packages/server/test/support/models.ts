import { fileURLToPath } from "node:url";

const path = (url: string): string => fileURLToPath(new URL(`../../../../${url}`, import.meta.url));

/** SmolLM2-135M-Instruct, which the set-up fetches. */
export const SETUP_MODEL = path(".setup/models/SmolLM2-135M-Instruct.Q4_1.gguf");

/** Random matrices that change what it says. */
export const SETUP_ADAPTER = path("packages/mlx/test/models/smollm2-adapter");

/** A small model that tells figures apart. */
export const FIGURES_MODEL = path("packages/mlx/test/models/figures-llava");

/** Drawings of figures, with what the model answers about them. */
export const FIGURES_GOLDEN = path("packages/mlx/test/goldens/figures.json");

/** A small model that scores documents. */
export const TINY_RERANKER = path("packages/mlx/test/goldens/tiny-reranker");

/** A small model that makes vectors. */
export const TINY_EMBEDDER = path("packages/mlx/test/goldens/tiny-embedder");
