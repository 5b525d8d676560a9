const DEFAULT_PORT = 11434;

/**
 * The address of an Ollama server as `OLLAMA_HOST` writes it: scheme and port may be missing, and the addresses that
 * a server listens on at all interfaces mean this machine.
 */
export function ollamaAddress(host: string): string {
  const hasScheme = /^[a-z]+:\/\//i.test(host);
  const text = hasScheme ? host : `http://${host}`;
  if (!URL.canParse(text)) return host; // for the check of base URLs to refuse
  const url = new URL(text);
  if (!hasScheme && url.port === "") url.port = `${DEFAULT_PORT}`;
  if (url.hostname === "0.0.0.0") url.hostname = "127.0.0.1";
  if (url.hostname === "[::]") url.hostname = "[::1]";
  return url.href;
}
