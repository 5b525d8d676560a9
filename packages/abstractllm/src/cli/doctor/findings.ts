import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { arch, cpus, totalmem } from "node:os";
import { dirname } from "node:path";
import { formatBytes } from "../../config/format-bytes.ts";
import { explainMissing } from "../../registry/explain-missing.ts";
import { loadHub } from "../load-hub.ts";

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  /** `info` is neither good nor bad. */
  readonly status: "ok" | "info" | "problem";
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** The oldest Node.js that runs this. */
const MINIMUM_NODE: readonly [number, number] = [20, 19];

/** Looks at everything that running a model needs. */
export async function findings(options: { cacheDir?: string | undefined }): Promise<Finding[]> {
  return [
    checkNode(),
    ...(await guarded("engine", checkEngine)),
    ...(await guarded("cache", () => checkCache(options))),
  ];
}

async function guarded(name: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [{ name, status: "problem", detail: (error as Error).message }];
  }
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [needMajor, needMinor] = MINIMUM_NODE;
  const isNewEnough = major > needMajor || (major === needMajor && minor >= needMinor);
  const detail = `${process.versions.node} on ${process.platform} ${arch()}`;
  if (isNewEnough) return { name: "Node.js", status: "ok", detail };
  return {
    name: "Node.js",
    status: "problem",
    detail,
    remedy: `Install Node.js ${needMajor}.${needMinor} or newer`,
  };
}

async function checkEngine(): Promise<Finding[]> {
  const { detectRuntime } = await import("@abstractllm/mlx").catch(explainMissing("mlx"));
  const runtime = await detectRuntime();
  const [processor] = cpus();
  const machine = `${processor?.model.trim() ?? arch()}, ${cpus().length} threads, ${formatBytes(totalmem())} of memory`;
  if (runtime.problem !== undefined) {
    return [
      { name: "libmlx", status: "problem", detail: "not usable", remedy: runtime.problem },
      { name: "machine", status: "info", detail: machine },
    ];
  }
  return [
    {
      name: "libmlx",
      status: "ok",
      detail: `${runtime.mlxVersion ?? "unknown version"} ${runtime.libraryPath ?? ""}`.trim(),
    },
    device(runtime),
    { name: "machine", status: "info", detail: machine },
    { name: "instruction sets", status: "info", detail: runtime.instructionSets.join(" ") || "none known" },
  ];
}

function device({ device: kind, backend }: { device: "cpu" | "gpu"; backend: string }): Finding {
  if (kind === "gpu") return { name: "device", status: "ok", detail: `GPU (${backend})` };
  return {
    name: "device",
    status: "info",
    detail: "CPU",
    remedy: "A Mac with Apple Silicon, or the CUDA build of MLX on Linux with an NVIDIA GPU, is much faster",
  };
}

async function checkCache({ cacheDir: given }: { cacheDir?: string | undefined }): Promise<Finding[]> {
  const hub = await loadHub();
  const settings = hub.hubSettings(undefined, { cacheDir: given });
  const models = await hub.cachedModels(settings.cacheDir);
  const bytes = models.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    await cacheFolder(settings.cacheDir, `${models.length} models, ${formatBytes(bytes)}`),
    {
      name: "hub",
      status: "info",
      detail: settings.offline ? "offline mode is on" : settings.endpoint,
      ...(settings.offline ? { remedy: "Unset HF_HUB_OFFLINE to download models" } : {}),
    },
    settings.token === undefined
      ? {
          name: "Hugging Face key",
          status: "info",
          detail: "not set",
          remedy: "For gated and private models set HF_TOKEN: https://huggingface.co/settings/tokens",
        }
      : { name: "Hugging Face key", status: "ok", detail: "set" },
  ];
}

async function cacheFolder(folder: string, content: string): Promise<Finding> {
  const detail = `${folder} (${content})`;
  if (await isWritable(folder)) return { name: "cache", status: "ok", detail };
  return {
    name: "cache",
    status: "problem",
    detail: `${detail} cannot be written`,
    remedy: "Set HF_HUB_CACHE or HF_HOME to a folder of yours",
  };
}

/** A folder that does not exist yet is writable when the nearest one above it is. */
async function isWritable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return true;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return isMissing && dirname(folder) !== folder && isWritable(dirname(folder));
  }
}
