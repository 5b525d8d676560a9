import type { Options } from "../../config/option-table.ts";
import { checkBaseUrl } from "./base-url.ts";
import type { RemoteService } from "./remote-client.ts";

/**
 * The service that some settings name.
 *
 * @param own - headers of the provider, in lower case; the user's `headers` win over them
 * @throws {InvalidParameterError} when `baseUrl` is missing or no usable URL
 */
export function buildService(
  provider: string,
  options: Options,
  own: Readonly<Record<string, string>>,
  hints: Pick<RemoteService, "startHint" | "modelHint"> = {},
): RemoteService {
  const { apiKey = "", headers = {}, proxy, model = "the default model", baseUrl = "" } = options;
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
