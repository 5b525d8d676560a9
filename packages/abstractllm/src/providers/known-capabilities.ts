import type { Options } from "../config/option-table.ts";
import { findModelCapabilities } from "../data/index.ts";
import type { ModelCapabilities } from "../interface/model-capabilities.ts";

/**
 * What is known of the model that some settings name: what they say themselves, else what is published.
 *
 * @param assumed - of a model of which nothing is published
 */
export function knownCapabilities(
  { model = "", capabilities, vision }: Options,
  assumed: ModelCapabilities = {},
): ModelCapabilities {
  const published = findModelCapabilities(model) ?? assumed;
  return { ...published, ...capabilities, ...(vision === undefined ? {} : { vision }) };
}
