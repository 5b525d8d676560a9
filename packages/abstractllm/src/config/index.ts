export { type ConfigurationLayers, ConfigurationManager, type OptionKey } from "./configuration-manager.ts";
export type { OptionName, Options } from "./option-table.ts";
