import type { Options } from "../../config/option-table.ts";
import { checkBaseUrl } from "./base-url.ts";
import type { RemoteService } from "./remote-client.ts";

/**
 * The service at an address, with what some settings say about requests to it.
 *
 * @param own - headers of the provider, in lower case; the user's `headers` win over them
 * @throws {InvalidParameterError} when `baseUrl` is no usable URL
 */
export function buildService(
  provider: string,
  baseUrl: string,
  options: Options,
  own: Readonly<Record<string, string>>,
  hints: Pick<RemoteService, "startHint" | "modelHint"> = {},
): RemoteService {
  const { apiKey = "", headers = {}, proxy, model = "the default model" } = options;
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    provider,
    model,
    baseUrl: checkBaseUrl(baseUrl, provider),
    headers: { ...own, ...Object.fromEntries(given) },
    proxy,
    secrets: [apiKey, ...Object.values(headers)],
    ...hints,
  };
}
