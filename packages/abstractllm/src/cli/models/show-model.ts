import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { record } from "../../config/checks.ts";
import { formatBytes } from "../../config/format-bytes.ts";
import { ModelLoadingError, ModelNotFoundError } from "../../errors/index.ts";
import { type ModelKind, modelKind } from "../../providers/mlx/model-facts.ts";
import { ExitCode } from "../exit-code.ts";
import { loadHub } from "../load-hub.ts";
import type { ParsedFlags } from "../parse-flags.ts";
import { plain, type Terminal } from "../terminal.ts";
import { oneName } from "./one-name.ts";

/** `models info`: what the cache knows about one model, without the network. */
export async function showModel(
  names: readonly string[],
  flags: ParsedFlags,
  terminal: Terminal,
): Promise<number> {
  const name = oneName(names, "info");
  const hub = await loadHub();
  const { cacheDir } = hub.hubSettings(undefined, { cacheDir: flags.text("cache-dir") });
  const found = await hub
    .resolveModel(name, { cacheDir, offline: true, revision: flags.text("revision") })
    .catch((cause) => {
      if (cause.code !== "offline") throw cause;
      const reason = `it is not complete in the cache; abstractllm models pull ${name} fetches it`;
      throw new ModelNotFoundError(name, { reason, searchPath: cacheDir, cause });
    });
  const cached = (await hub.scanCache(cacheDir)).repos.find(({ repo }) => repo === found.repo);
  const info = {
    name: found.repo ?? found.path,
    path: found.path,
    ...(found.revision === undefined ? {} : { revision: found.revision }),
    ...(cached === undefined ? {} : { sizeBytes: cached.sizeBytes, revisions: cached.revisions.length }),
    files: found.files,
    ...(await readConfig(found.path)),
    ...(await makes(found.repo ?? found.path, found.path)),
  };
  terminal.print(flags.has("json") ? `${JSON.stringify(info, undefined, 2)}\n` : describe(info, terminal));
  return ExitCode.OK;
}

/** What models make that write no text. */
const MADE: Readonly<Partial<Record<ModelKind, string>>> = {
  vectors: "vectors of texts",
  scores: "scores of documents",
};

async function makes(name: string, path: string): Promise<{ makes?: string }> {
  const kind = await modelKind(name, path);
  const made = kind && MADE[kind];
  return made === undefined ? {} : { makes: made };
}

/** The fields of `config.json` that people choose models by. */
async function readConfig(path: string): Promise<Record<string, unknown>> {
  if (path.endsWith(".gguf")) return { format: "gguf", file: basename(path) };
  const config = parseConfig(await readFile(join(path, "config.json"), "utf8").catch(() => "{}"), path);
  const { bits, group_size } = (config.quantization ?? {}) as Record<string, unknown>;
  const facts = {
    format: "safetensors",
    modelType: config.model_type,
    contextLength: config.max_position_embeddings,
    vocabularySize: config.vocab_size,
    layers: config.num_hidden_layers,
    quantization: bits === undefined ? "none" : `${bits} bits in groups of ${group_size}`,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}

/** @throws {ModelLoadingError} for what is no JSON object */
function parseConfig(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    const config: unknown = JSON.parse(text);
    if (record.accepts(config)) return config as Record<string, unknown>;
  } catch {
    // said below
  }
  const message = `${join(path, "config.json")} holds no JSON object; download the model again`;
  throw new ModelLoadingError(message, { modelName: path });
}

function describe(info: Readonly<Record<string, unknown>>, terminal: Terminal): string {
  const rows = Object.entries(info).map(([key, value]) => {
    const text = Array.isArray(value) ? value.join(", ") : String(value);
    const shown = key === "sizeBytes" ? formatBytes(Number(value)) : plain(text);
    return `${terminal.style("bold", label(key).padEnd(16))}${shown}\n`;
  });
  return rows.join("");
}

function label(key: string): string {
  return key === "sizeBytes" ? "size" : key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
