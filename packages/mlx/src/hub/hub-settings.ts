import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { HubError } from "../errors.ts";

/** Environment variables, such as `process.env`. */
export type HubEnv = Readonly<Record<string, string | undefined>>;

/** What a caller may set itself; every one wins over its environment variable. */
export interface HubSettingsOptions {
  /** The hub cache folder itself, as Python's `cache_dir`. Default `HF_HUB_CACHE`, then `$HF_HOME/hub`. */
  cacheDir?: string | undefined;
  /** Access token; `false` sends none. Default `HF_TOKEN`, then the file `huggingface-cli login` wrote. */
  token?: string | false | undefined;
  /** Base URL of the hub. Default `HF_ENDPOINT`, then `https://huggingface.co`. */
  endpoint?: string | undefined;
  /** Use the cache alone and never the network. Default `HF_HUB_OFFLINE`, then `TRANSFORMERS_OFFLINE`. */
  offline?: boolean | undefined;
}

/** Where the cache is and how the hub is reached. */
export interface HubSettings {
  /** Absolute path of the folder that holds `models--org--name`. */
  cacheDir: string;
  /** Base URL without a trailing slash. */
  endpoint: string;
  offline: boolean;
  /** False when `HF_HUB_DISABLE_SYMLINKS` asks for plain files in snapshots. */
  symlinks: boolean;
  /** How long the hub may take to answer, in milliseconds (`HF_HUB_ETAG_TIMEOUT`, seconds). Default 10 s. */
  answerTimeoutMs: number;
  /** How long a transfer may stand still, in milliseconds (`HF_HUB_DOWNLOAD_TIMEOUT`, seconds). Default 30 s. */
  stallTimeoutMs: number;
  /** True when a proxy is set in the environment that Node's fetch was not told to use. */
  proxyUnused: boolean;
  /** Not enumerable, so that printing or cloning settings never shows it. */
  readonly token?: string;
}

const DEFAULT_ENDPOINT = "https://huggingface.co";

/**
 * Reads the Hugging Face settings the way Python's `huggingface_hub` does; options win over variables.
 *
 * @throws {HubError} `invalid-argument` for an endpoint that is no http(s) URL or a token no header can carry
 * @see huggingface_hub 2.4 constants.py
 */
export function hubSettings(env: HubEnv = process.env, options: HubSettingsOptions = {}): HubSettings {
  const home = expand(
    env.HF_HOME || join(env.XDG_CACHE_HOME || join(homeOf(env), ".cache"), "huggingface"),
    env,
  );
  const cache = options.cacheDir || env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, "hub");
  const settings: HubSettings = {
    cacheDir: resolve(expand(cache, env)),
    endpoint: checkEndpoint(options.endpoint || env.HF_ENDPOINT || DEFAULT_ENDPOINT),
    offline: options.offline ?? isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    symlinks: !isTrue(env.HF_HUB_DISABLE_SYMLINKS),
    proxyUnused: Boolean(env.HTTPS_PROXY || env.https_proxy) && env.NODE_USE_ENV_PROXY !== "1",
    answerTimeoutMs: seconds(env.HF_HUB_ETAG_TIMEOUT) ?? 10_000,
    stallTimeoutMs: seconds(env.HF_HUB_DOWNLOAD_TIMEOUT) ?? 30_000,
  };
  const token = options.token === false ? undefined : (options.token ?? implicitToken(env, home));
  if (token !== undefined) Object.defineProperty(settings, "token", { value: checkToken(token) });
  return settings;
}

/** Expands a leading `~` and `$NAME` or `${NAME}`; unknown variables stay as they are, as in Python. */
export function expand(path: string, env: HubEnv): string {
  const tilde = /^~(?=[/\\]|$)/.test(path) ? homeOf(env) + path.slice(1) : path;
  return tilde.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (whole, braced: string | undefined, plain: string | undefined) => env[braced ?? plain ?? ""] ?? whole,
  );
}

function homeOf(env: HubEnv): string {
  return env.HOME || env.USERPROFILE || homedir();
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["1", "ON", "YES", "TRUE"].includes(value.toUpperCase());
}

function seconds(value: string | undefined): number | undefined {
  const number = Number(value);
  return value && Number.isFinite(number) && number > 0 ? number * 1000 : undefined;
}

function checkEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol) || url.username || url.password) {
    // the value may hold a password, so it is not shown
    throw new HubError(
      "invalid-argument",
      "Expected an http(s) URL without a user name or password as the hub's endpoint. Check HF_ENDPOINT.",
    );
  }
  return endpoint.replace(/\/+$/, "");
}

function implicitToken(env: HubEnv, home: string): string | undefined {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  return env.HF_TOKEN?.trim() || env.HUGGING_FACE_HUB_TOKEN?.trim() || readToken(env, home) || undefined;
}

function readToken(env: HubEnv, home: string): string | undefined {
  try {
    return readFileSync(expand(env.HF_TOKEN_PATH || join(home, "token"), env), "utf8").trim();
  } catch {
    return undefined; // not logged in
  }
}

function checkToken(token: string): string {
  const clean = token.replace(/[\r\n]/g, "").trim();
  // fetch would name the whole header in its error
  if (!/^[\x21-\x7e]+$/.test(clean)) {
    throw new HubError(
      "invalid-argument",
      "The Hugging Face token is empty or holds characters no header can carry. Check HF_TOKEN.",
    );
  }
  return clean;
}
