/** The real model that set-up brings. */
import { fileURLToPath } from "node:url";

export const smolLM2 = fileURLToPath(
  new URL("../../../../.setup/models/SmolLM2-135M-Instruct.Q4_1.gguf", import.meta.url),
);
