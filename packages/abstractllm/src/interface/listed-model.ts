import type { ModelCapabilities } from "./model-capabilities.ts";

/** Options of `listModels`. */
export interface ListModelsOptions {
  /** Aborting it ends the call, which rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Most milliseconds the call may take. Default: the configured `timeout`. */
  timeout?: number | undefined;
}

/** A model that a provider can be asked for. */
export interface ListedModel {
  /** What the option `model` takes. */
  readonly id: string;
  /** When it was made or changed, as far as the service says. */
  readonly createdAt?: Date;
  readonly ownedBy?: string;
  /** Of its files, where they lie on this machine. */
  readonly sizeBytes?: number;
  /** What the service says of it; `findModelCapabilities(id)` has what is published. */
  readonly capabilities: ModelCapabilities;
}
