import type { ListedModel } from "../../interface/listed-model.ts";
import { importHub } from "./engine-package.ts";
import { mapMlxError } from "./map-error.ts";

/**
 * Models of the Hugging Face cache that can be loaded.
 *
 * @throws {ModelLoadingError} when the cache cannot be read
 */
export async function listModels(cacheDir: string | undefined): Promise<ListedModel[]> {
  try {
    const { cachedModels } = await importHub();
    const models = await cachedModels(cacheDir);
    return models.map(({ repo, sizeBytes, lastModified: createdAt }) => {
      return { id: repo, createdAt, ...ownerOf(repo), sizeBytes, capabilities: {} };
    });
  } catch (error) {
    throw mapMlxError(error, "cache");
  }
}

function ownerOf(repo: string): Pick<ListedModel, "ownedBy"> {
  const end = repo.indexOf("/");
  return end < 0 ? {} : { ownedBy: repo.slice(0, end) };
}
