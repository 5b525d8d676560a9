import { HubError } from "../errors.ts";
import { fnmatch } from "./fnmatch.ts";

/** What a caller wants of a repository; nothing named means a model's weights, config and tokenizer. */
export interface FileWish {
  /** Python `fnmatch` patterns; every match is taken. */
  patterns?: readonly string[] | undefined;
  /** A `.gguf` file by its path in the repository. */
  ggufFile?: string | undefined;
  /** A quantization by its name, such as `Q4_K_M`. */
  quant?: string | undefined;
}

export interface FileSelection {
  files: readonly string[];
  /** The `.gguf` file to load (the first of its parts); undefined for a model folder. */
  gguf?: string;
  /** What was chosen for the caller. */
  warnings: readonly string[];
}

/**
 * mlx-lm's files without `*.py`, as code from a repository is never run, and the layers that sentence-transformers has in
 * folders of their own.
 *
 * @see mlx-lm 0.32.2 utils.py, DEFAULT_ALLOW_PATTERNS
 */
export const MODEL_PATTERNS: readonly string[] = [
  "*.json",
  "model*.safetensors",
  "*_Dense/model.safetensors",
  "tokenizer.model",
  "*.tiktoken",
  "tiktoken.model",
  "*.txt",
  "*.jsonl",
  "*.jinja",
];

// 4 bits first, then what is nearest in quality and size
const QUANT_PREFERENCE = [
  ...["Q4_K_M", "Q4_0", "Q4_1", "Q4_K_S", "Q5_K_M", "Q5_K_S", "Q5_0", "Q5_1", "Q6_K", "Q8_0"],
  ...["BF16", "F16", "F32"],
];

/**
 * Chooses files of a repository. A repository that has GGUF weights alone, and none was named, gives the first of
 * Q4_K_M, Q4_0, Q4_1, Q4_K_S, Q5_K_M, Q5_K_S, Q5_0, Q5_1, Q6_K, Q8_0, BF16, F16, F32 that it has, with a warning.
 *
 * @throws {HubError} `model-not-found` when there is nothing to choose; the message lists what there is
 */
export function selectFiles(names: readonly string[], wish: FileWish, repo: string): FileSelection {
  if (wish.ggufFile !== undefined || wish.quant !== undefined) return selectGguf(names, wish, repo);
  if (wish.patterns !== undefined) {
    const { patterns } = wish;
    const files = names.filter((name) => patterns.some((pattern) => fnmatch(name, pattern)));
    if (files.length === 0) throw notThere(`No file of ${repo} matches ${patterns.join(", ")}.`, names);
    return { files, warnings: [] };
  }
  if (names.some((name) => fnmatch(name, "model*.safetensors"))) {
    return {
      files: names.filter((name) => MODEL_PATTERNS.some((pattern) => fnmatch(name, pattern))),
      warnings: [],
    };
  }
  if (ggufModels(names).size > 0) return preferredGguf(names, repo);
  throw notThere(`${repo} holds no weights this engine can load (model*.safetensors or .gguf).`, names);
}

function selectGguf(names: readonly string[], wish: FileWish, repo: string): FileSelection {
  const models = [...ggufModels(names).values()];
  const wanted = wish.ggufFile ?? wish.quant ?? "";
  const matches = models.filter((parts) =>
    wish.ggufFile === undefined ? hasQuant(parts, wanted) : parts.includes(wanted),
  );
  const [parts, another] = matches;
  if (parts === undefined || another !== undefined) {
    const problem = parts === undefined ? "no .gguf file" : "more than one .gguf file";
    const choices = (parts === undefined ? models : matches).map(([first]) => `${repo}/${first}`);
    throw notThere(`${repo} has ${problem} for ${JSON.stringify(wanted)}.`, choices);
  }
  return ggufSelection(parts, []);
}

function preferredGguf(names: readonly string[], repo: string): FileSelection {
  const models = [...ggufModels(names).values()];
  const [only] = models;
  if (models.length === 1 && only !== undefined) return ggufSelection(only, []);
  for (const quant of QUANT_PREFERENCE) {
    const parts = models.find((candidate) => hasQuant(candidate, quant));
    if (parts === undefined) continue;
    return ggufSelection(parts, [
      `${repo} has ${models.length} GGUF models; took ${parts[0]}. Name another as "${repo}:<quantization>" or "${repo}/<file>".`,
    ]);
  }
  const choices = models.map(([first]) => `${repo}/${first}`);
  throw notThere(`${repo} has several .gguf files and none of a common quantization. Name one.`, choices);
}

function ggufSelection(parts: readonly string[], warnings: readonly string[]): FileSelection {
  const [gguf] = parts;
  return gguf === undefined ? { files: parts, warnings } : { files: parts, gguf, warnings };
}

/** Models by name, each with its parts in order; image projectors (`mmproj`) are no models. */
function ggufModels(names: readonly string[]): Map<string, string[]> {
  const models = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    if (!/\.gguf$/i.test(name) || /(?:^|\/)mmproj[^/]*$/i.test(name)) continue;
    const model = name.replace(/-\d{5}-of-(\d{5})(\.gguf)$/i, "-of-$1$2");
    const parts = models.get(model);
    if (parts) parts.push(name);
    else models.set(model, [name]);
  }
  for (const [model, parts] of models) {
    const count = /-of-(\d{5})\.gguf$/i.exec(model)?.[1];
    if (count !== undefined && parts.length !== Number(count)) models.delete(model); // a part is missing
  }
  return models;
}

function hasQuant(parts: readonly string[], quant: string): boolean {
  const escaped = quant.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&");
  return new RegExp(`(?:^|[-._/])${escaped}(?=[-./])`, "i").test(parts[0] ?? "");
}

function notThere(message: string, choices: readonly string[]): HubError {
  const shown = choices.slice(0, 20).join(", ");
  const more = choices.length > 20 ? `, and ${choices.length - 20} more` : "";
  const tail = choices.length === 0 ? "" : ` It has: ${shown}${more}.`;
  // names come from a server and may hold terminal escapes
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const text = (message + tail).replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
  return new HubError("model-not-found", text, { details: { choices } });
}
