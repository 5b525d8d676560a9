import { type ClientRequest, type RequestOptions, request as requestHttp } from "node:http";
import { Agent, type AgentOptions, request as requestHttps } from "node:https";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { processEnvironment } from "../../config/read-environment.ts";
import { InvalidParameterError } from "../../errors/index.ts";
import { WireError } from "./wire-error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** How requests go through one proxy. */
export interface ProxyRoute {
  /** Credentials for the proxy. */
  readonly headers: Readonly<Record<string, string>>;
  /** For https: request options that first ask the proxy for a tunnel. */
  readonly tunnel: { readonly agent: Agent };
  /** For http: a request to the proxy, whose path is the whole URL. */
  request(options: RequestOptions): ClientRequest;
}

const routes = new Map<string, ProxyRoute>();

/**
 * The proxy for a URL: the option, else what the environment says.
 *
 * Loopback addresses never go through a proxy of the environment: it would ask its own machine.
 *
 * @param proxy - the option `proxy`, an http or https URL
 * @throws {InvalidParameterError} when the proxy is no http(s) URL
 */
export function chooseProxy(
  url: URL,
  proxy: string | undefined,
  environment: Environment = processEnvironment(),
): ProxyRoute | undefined {
  const address = proxy ?? proxyOfEnvironment(url, environment);
  return address === undefined ? undefined : routeThrough(address);
}

function routeThrough(address: string): ProxyRoute {
  const known = routes.get(address);
  if (known !== undefined) return known;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    const message = "Expected an address such as http://proxy.example:8080 for proxy";
    throw new InvalidParameterError("proxy", undefined, message); // the value may hold a password
  }
  const route = makeRoute(url);
  routes.set(address, route);
  return route;
}

function makeRoute(url: URL): ProxyRoute {
  const { username, password, hostname, port, protocol } = url;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers: Record<string, string> =
    credentials === ":" ? {} : { "proxy-authorization": `Basic ${btoa(credentials)}` };
  const request = protocol === "https:" ? requestHttps : requestHttp;
  const target = { host: hostname.replace(/^\[|\]$/g, ""), port: port || (protocol === "https:" ? 443 : 80) };
  const open = (options: RequestOptions) => request({ ...options, ...target });
  return { headers, tunnel: { agent: new TunnelAgent(open, headers) }, request: open };
}

/** Connects to https servers through a proxy's CONNECT. */
class TunnelAgent extends Agent {
  readonly #open: ProxyRoute["request"];
  readonly #headers: Readonly<Record<string, string>>;

  constructor(open: ProxyRoute["request"], headers: Readonly<Record<string, string>>) {
    super({ keepAlive: true });
    this.#open = open;
    this.#headers = headers;
  }

  override createConnection(
    options: AgentOptions & { host?: string; port?: number; servername?: string },
    done: (error: Error | null, stream?: Duplex) => void,
  ): undefined {
    const target = `${options.host}:${options.port}`;
    const request = this.#open({
      method: "CONNECT",
      path: target,
      headers: { ...this.#headers, host: target },
    });
    request.once("connect", ({ statusCode }, socket) => {
      if (statusCode === 200) return done(null, connect({ ...options, socket }));
      socket.destroy();
      done(new WireError("protocol", `The proxy refused the connection (HTTP ${statusCode})`));
    });
    request.once("error", (cause) => {
      done(new WireError("connection", "The proxy could not be reached; check the option proxy", cause));
    });
    request.end();
  }
}

function proxyOfEnvironment(url: URL, environment: Environment): string | undefined {
  const variable = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const read = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined;
  const address = read(variable);
  if (address === undefined || isLoopback(url.hostname) || isExempt(url, read("NO_PROXY") ?? "")) {
    return undefined;
  }
  return /^[a-z]+:\/\//i.test(address) ? address : `http://${address}`;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

/** Whether `NO_PROXY` names this host: `*`, a host, a domain with or without its leading dot, each with or without port. */
function isExempt({ hostname, port, protocol }: URL, list: string): boolean {
  const actualPort = port || (protocol === "https:" ? "443" : "80");
  return list.split(/[\s,]+/).some((entry) => {
    const [, pattern = "", entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    if (pattern === "" || (entryPort !== undefined && entryPort !== actualPort)) return false;
    const domain = pattern.replace(/^\*?\./, "");
    return pattern === "*" || hostname === domain || hostname.endsWith(`.${domain}`);
  });
}
