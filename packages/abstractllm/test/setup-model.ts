import { fileURLToPath } from "node:url";

/** SmolLM2-135M-Instruct, which the set-up fetches. */
export const SETUP_MODEL = fileURLToPath(
  new URL("../../../.setup/models/SmolLM2-135M-Instruct.Q4_1.gguf", import.meta.url),
);

/** Random matrices that change what it says. */
export const SETUP_ADAPTER = fileURLToPath(new URL("../../mlx/test/models/smollm2-adapter", import.meta.url));
