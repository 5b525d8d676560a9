import { InvalidRequestError } from "../../errors/index.ts";
import type { LLMConfig } from "../../interface/llm-config.ts";
import { importHub } from "./engine-package.ts";
import { sizeOnDisk } from "./size-on-disk.ts";

/** Where models lie, and how the hub is asked for them. */
export type ModelFilesOptions = Pick<
  LLMConfig,
  "cacheDir" | "token" | "endpoint" | "offline" | "onProgress"
> & {
  readonly signal?: AbortSignal | undefined;
};

/** `owner/name`: no path of this machine, which a name may be elsewhere. */
const REPOSITORY = /^[\w-][\w.-]*\/[\w-][\w.-]*$/;

/**
 * Downloads a model of the Hugging Face hub, or what is missing of it, without loading it.
 *
 * @param model - its repository, `owner/name`
 * @param options - as `createLLM("mlx", …)` takes them, and a signal that ends it; what has come is kept
 * @throws {InvalidRequestError} for a name that is no repository's
 * @throws {ModelNotFoundError} when the hub has none of this name, or none that can be loaded
 * @throws {AuthenticationError} when the hub lets only some in
 * @throws {ProviderConnectionError} when the hub cannot be reached
 * @throws {ModelLoadingError} when the disk is full or files arrive damaged
 * @example await downloadModel("mlx-community/Qwen3-4B-4bit");
 */
export async function downloadModel(model: string, options: ModelFilesOptions = {}): Promise<void> {
  checkRepository(model);
  const { cacheDir, token, endpoint, offline, onProgress, signal } = options;
  try {
    const { resolveModel } = await importHub();
    await resolveModel(model, {
      cacheDir: cacheDir ?? undefined,
      token: token ?? undefined,
      endpoint: endpoint ?? undefined,
      ...(offline === true ? { offline } : {}),
      onProgress: onProgress ?? undefined,
      signal,
    });
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : await mapped(error, model);
  }
}

/**
 * Deletes a model's files from the Hugging Face cache.
 *
 * @param model - its repository, `owner/name`
 * @throws {InvalidRequestError} for a name that is no repository's
 * @throws {ModelNotFoundError} when it is not there
 * @throws {ModelLoadingError} when the file system refuses
 */
export async function deleteModel(
  model: string,
  { cacheDir }: Pick<ModelFilesOptions, "cacheDir"> = {},
): Promise<void> {
  checkRepository(model);
  try {
    const { removeModel } = await importHub();
    await removeModel(model, { cacheDir: cacheDir ?? undefined });
  } catch (error) {
    throw await mapped(error, model);
  }
}

/**
 * Bytes of a model's files on this machine.
 *
 * @param model - a file, a folder, or a repository of the Hugging Face cache
 * @returns undefined where it is none of these
 * @throws {ModelLoadingError} when the cache cannot be read
 */
export async function modelSizeBytes(
  model: string,
  { cacheDir }: Pick<ModelFilesOptions, "cacheDir"> = {},
): Promise<number | undefined> {
  return (await sizeOnDisk(model)) ?? sizeInCache(model, cacheDir ?? undefined);
}

async function sizeInCache(model: string, cacheDir: string | undefined): Promise<number | undefined> {
  const { listModels } = await import("./list-models.ts");
  return (await listModels(cacheDir)).find(({ id }) => id === model)?.sizeBytes;
}

/** The provider's mapping, which programs that use other providers do not load. */
async function mapped(error: unknown, model: string): Promise<unknown> {
  const { mapMlxError } = await import("./map-error.ts");
  return mapMlxError(error, model);
}

function checkRepository(model: string): void {
  if (typeof model === "string" && REPOSITORY.test(model)) return;
  const message = `Expected a repository of the Hugging Face hub such as "mlx-community/Qwen3-4B-4bit", but received ${JSON.stringify(model)}`;
  throw new InvalidRequestError(message, { provider: "mlx" });
}
