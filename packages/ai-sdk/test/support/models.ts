import { fileURLToPath } from "node:url";

const path = (url: string): string => fileURLToPath(new URL(`../../../../${url}`, import.meta.url));

/** SmolLM2-135M-Instruct, which the set-up fetches. */
export const SETUP_MODEL = path(".setup/models/SmolLM2-135M-Instruct.Q4_1.gguf");

/** A small model that tells figures apart. */
export const FIGURES_MODEL = path("packages/mlx/test/models/figures-llava");

/** A cross-encoder of random weights, with a question and documents in its `expected.json`. */
export const TINY_RERANKER = path("packages/mlx/test/goldens/tiny-reranker");

/** Drawings of figures, with what the model answers about them. */
export const FIGURES_GOLDEN = path("packages/mlx/test/goldens/figures.json");
