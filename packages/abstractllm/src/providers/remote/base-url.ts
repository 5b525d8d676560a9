import { InvalidParameterError } from "../../errors/index.ts";

/**
 * The address of a service, checked, without a slash at its end.
 *
 * @throws {InvalidParameterError} when it is no http(s) URL, or holds credentials, a query or a fragment
 */
export function checkBaseUrl(text: string, provider: string): URL {
  const refuse = (why: string) =>
    new InvalidParameterError("baseUrl", text, `Expected an http or https URL for baseUrl ${why}`, {
      provider,
    });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw refuse("such as http://localhost:1234/v1");
  if (url.username !== "" || url.password !== "") {
    throw refuse("without user name and password; give credentials with apiKey or headers");
  }
  if (url.search !== "" || url.hash !== "") throw refuse("without ? and #");
  return url;
}

/** The address of one path of a service. */
export function joinUrl(baseUrl: URL, path: string): URL {
  return new URL(`${baseUrl.href.replace(/\/+$/, "")}${path}`);
}
