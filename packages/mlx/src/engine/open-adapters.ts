import { InvalidArgumentError, MlxError } from "../errors.ts";
import { ModelAdapters } from "../generation/index.ts";
import { type Adapter, openAdapter } from "../load/adapters/index.ts";
import type { LoadedModel } from "../load/load-model.ts";
import { VisionLanguageModel } from "../vision/index.ts";
import type { LoadRequest } from "./types.ts";

/** Checks the options of a model. @throws {InvalidArgumentError} */
export const checkAdapters = ({ adapterPath, adapters }: LoadRequest): void => {
  if (adapterPath !== undefined && adapters !== undefined) {
    throw new InvalidArgumentError(
      "Expected adapterPath, which answers everything, or adapters, which requests choose from, but received both",
    );
  }
  const isNamed = typeof adapters === "object" && adapters !== null && !Array.isArray(adapters);
  const paths: unknown[] = isNamed ? Object.values(adapters) : [];
  const areTexts = [...paths, adapterPath ?? "-"].every((path) => typeof path === "string" && path !== "");
  if ((adapters === undefined || isNamed) && areTexts) return;
  throw new InvalidArgumentError(
    "Expected a folder for adapterPath, and an object of names and folders for adapters",
  );
};

/** What was seen in an image is kept for all requests that show it. */
const refuseSeeing = ({ model }: LoadedModel, adapter: Adapter, name: string): void => {
  if (!(model instanceof VisionLanguageModel)) return;
  const seeing = adapter.paths.find((path) => !path.startsWith("language_model."));
  if (seeing === undefined) return;
  throw new MlxError(
    "unsupported-feature",
    `The adapter ${name} changes what sees images (${seeing}), which is the same for all requests: give it as adapterPath`,
    { details: { feature: "adapters" } },
  );
};

/** A model's adapters, and how to free them. */
export interface OpenedAdapters {
  /** Those that requests choose from; undefined where there are none. */
  readonly named: ModelAdapters | undefined;
  /** Before the model's own `dispose`. */
  dispose(): void;
}

/**
 * The adapters that a request to load a model names; the one of `adapterPath` is applied.
 *
 * @param loaded - its model, which is freed when an adapter cannot be had
 * @throws {MlxError} as `openAdapter`; `unsupported-feature` where requests could not choose
 */
export const openAdapters = ({ adapterPath, adapters }: LoadRequest, loaded: LoadedModel): OpenedAdapters => {
  const opened = new Map<string, Adapter>();
  const named = adapters && new ModelAdapters(loaded.model, opened);
  const dispose = (): void => {
    named?.dispose();
    for (const adapter of opened.values()) adapter.dispose();
  };
  const open = (name: string, folder: string): Adapter => {
    const adapter = openAdapter(loaded, folder);
    opened.set(name, adapter);
    return adapter;
  };
  try {
    if (adapterPath !== undefined) open("", adapterPath).apply();
    for (const [name, folder] of Object.entries(adapters ?? {}))
      refuseSeeing(loaded, open(name, folder), name);
    return { named, dispose };
  } catch (error) {
    dispose();
    loaded.model.dispose();
    throw error;
  }
};
