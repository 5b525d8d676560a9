import { fileURLToPath } from "node:url";

/** The model the set-up brings, or the one that `MODEL` names. */
export const model =
  process.env.MODEL ??
  fileURLToPath(new URL("../.setup/models/SmolLM2-135M-Instruct.Q4_1.gguf", import.meta.url));
