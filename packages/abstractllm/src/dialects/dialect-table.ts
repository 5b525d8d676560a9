import { deepSeekDsml, miniCpm5, minimaxM2, museSpark, qwen3Coder } from "./element-calls.ts";
import { functionGemma, gemma4 } from "./gemma-calls.ts";
import { jsonTools, llama3, mistral, promptedJson } from "./json-calls.ts";
import { glm47, longCat } from "./pair-calls.ts";
import { pythonic } from "./python-calls.ts";
import { deepSeek, kimiK2, kimiK3 } from "./token-calls.ts";
import type { ToolDialect } from "./tool-dialect.ts";

/** Every dialect with marks around its calls, by the name that `@abstractllm/mlx` and mlx-lm know it under. */
const DIALECTS: ReadonlyMap<string, ToolDialect> = new Map([
  ["deepseek", deepSeek],
  ["deepseek_dsml", deepSeekDsml],
  ["function_gemma", functionGemma],
  ["gemma4", gemma4],
  ["glm47", glm47],
  ["json_tools", jsonTools],
  ["kimi_k2", kimiK2],
  ["kimi_k3", kimiK3],
  ["laguna", glm47],
  ["llama3", llama3],
  ["longcat", longCat],
  ["minicpm5", miniCpm5],
  ["minimax_m2", minimaxM2],
  ["mistral", mistral],
  ["muse_spark", museSpark],
  ["prompted_json", promptedJson],
  ["pythonic", pythonic],
  ["qwen3_coder", qwen3Coder],
]);

/** Of all dialects with marks. */
export const DIALECT_NAMES: readonly string[] = [...DIALECTS.keys()];

/** The dialect of a name; undefined when there is none. */
export const dialectOf = (name: string): ToolDialect | undefined => DIALECTS.get(name);
