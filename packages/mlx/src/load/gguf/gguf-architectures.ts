import { denseRows } from "./dense-rows.ts";
import type { GgufFields } from "./gguf-fields.ts";
import type { GgufRow } from "./gguf-row.ts";
import { latentRows } from "./latent-rows.ts";
import { layeredRows } from "./layered-rows.ts";
import { recurrentRows } from "./recurrent-rows.ts";
import { sparseRows } from "./sparse-rows.ts";

/** By `general.architecture`; a function where one name stands for several models. Mistral's files say `llama`. */
export const GGUF_ARCHITECTURES: ReadonlyMap<string, GgufRow | ((fields: GgufFields) => GgufRow)> = new Map(
  Object.entries({ ...denseRows, ...sparseRows, ...latentRows, ...layeredRows, ...recurrentRows }).sort(
    ([a], [b]) => (a < b ? -1 : 1),
  ),
);
