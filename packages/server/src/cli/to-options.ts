import { InvalidParameterError } from "abstractllm";
import type { ModelConfig } from "../models/index.ts";
import type { ServerOptions } from "../server/server-options.ts";
import type { Given } from "./flags.ts";

/**
 * What flags make of a server; they win over the file's options.
 *
 * @param file - options of the file that `--config` names
 * @param key - of the environment
 */
export function toOptions(given: Given, file: ServerOptions, key: string | undefined): ServerOptions {
  const apiKey = given["api-key"] ?? key;
  return {
    ...file,
    ...modelsOf(given, file),
    ...(given.host === undefined ? {} : { host: given.host }),
    ...(given.port === undefined ? {} : { port: wholeNumber("port", given.port) }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(given.cors === undefined ? {} : { cors: given.cors }),
    ...(given["allowed-host"] === undefined ? {} : { allowedHosts: given["allowed-host"] }),
    ...(given["ignore-field"] === undefined ? {} : { ignoreFields: given["ignore-field"] }),
    ...(given["max-calls"] === undefined ? {} : { maxCalls: wholeNumber("max-calls", given["max-calls"]) }),
    ...(given["max-stored-responses"] === undefined
      ? {}
      : { maxStoredResponses: wholeNumber("max-stored-responses", given["max-stored-responses"]) }),
    ...(given["allow-model-changes"] === undefined
      ? {}
      : { allowModelChanges: given["allow-model-changes"] }),
    ...(given["allow-public"] === undefined ? {} : { allowPublic: given["allow-public"] }),
  };
}

/** The file's models, and those of the flags; without any, all that the provider lists. */
function modelsOf(given: Given, { models, otherModels }: ServerOptions): ServerOptions {
  const config: ModelConfig = {
    provider: given.provider ?? "mlx",
    ...(given["base-url"] === undefined ? {} : { baseUrl: given["base-url"] }),
    ...(given["adapter-path"] === undefined ? {} : { adapterPath: given["adapter-path"] }),
    ...(given["prompt-cache-path"] === undefined ? {} : { promptCachePath: given["prompt-cache-path"] }),
    ...(given.adapter === undefined ? {} : { adapters: Object.fromEntries(given.adapter.map(splitAdapter)) }),
  };
  if (given.model === undefined && (config.adapterPath ?? config.adapters) !== undefined) {
    const message = "--adapter and --adapter-path are for the models of --model; give one";
    throw new InvalidParameterError("model", undefined, message);
  }
  const named = (given.model ?? []).map((text): [string, ModelConfig] => {
    const [name, model] = splitName(text);
    return [name, { ...config, model }];
  });
  const all = { ...models, ...Object.fromEntries(named) };
  const hasModels = Object.keys(all).length > 0 || otherModels !== undefined;
  return { models: all, ...(hasModels ? {} : { otherModels: config }) };
}

/** `name=model`; a model by its own name has no `=`. */
function splitName(text: string): [name: string, model: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, text] : [text.slice(0, at), text.slice(at + 1)];
}

function splitAdapter(text: string): [name: string, adapter: string] {
  const [name, adapter] = splitName(text);
  if (text.includes("=") && name !== "" && adapter !== "") return [name, adapter];
  const message = `Expected NAME=ADAPTER for --adapter but received "${text}"`;
  throw new InvalidParameterError("adapter", text, message);
}

function wholeNumber(name: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidParameterError(name, text, `Expected a whole number for --${name} but received "${text}"`);
}
