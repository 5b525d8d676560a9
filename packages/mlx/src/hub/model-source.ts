import { HubError } from "../errors.ts";
import { checkRepoFile } from "./repo-file.ts";
import { checkRepoId } from "./repo-id.ts";

/** What the name of a model means: something on this machine, or something on a hub. */
export type ModelSource =
  | { kind: "path"; path: string }
  | { kind: "repo"; repo: string; quant?: string; ggufFile?: string };

/**
 * Reads a model's name: a path (`/models/x`, `./x`, `.models/x`, `~/x`, `x.gguf`), `org/name`, `org/name:Q4_K_M` or
 * `org/name/file.gguf`.
 *
 * @throws {HubError} `invalid-argument` when it is none of them
 */
export function parseModelSource(source: string): ModelSource {
  if (source === "" || source.includes("\0")) {
    throw new HubError(
      "invalid-argument",
      "Expected a model folder, a .gguf file or a repository such as org/name.",
    );
  }
  // no repository begins with a dot
  if (/^(?:\.|~?[/\\]|~$|[A-Za-z]:[/\\])|\\/.test(source)) return { kind: "path", path: source };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
    const id = /^https?:\/\/[^/]+\/([\w.-]+\/[\w.-]+)/i.exec(source)?.[1] ?? "org/name";
    throw new HubError(
      "invalid-argument",
      `Expected a repository id such as "${id}", not a URL. Another hub is chosen with \`endpoint\` or HF_ENDPOINT.`,
    );
  }
  const tagged = /^([^:]+):([A-Za-z0-9][\w.-]{0,63})$/.exec(source);
  if (tagged?.[1] !== undefined && tagged[2] !== undefined) {
    return { kind: "repo", repo: checkRepoId(tagged[1]), quant: tagged[2] };
  }
  const [org, name, ...rest] = source.split("/");
  if (rest.length > 0 && /\.gguf$/i.test(source)) {
    return { kind: "repo", repo: checkRepoId(`${org}/${name}`), ggufFile: checkOwnFile(rest.join("/")) };
  }
  if (/\.gguf$/i.test(source)) return { kind: "path", path: source };
  return { kind: "repo", repo: checkRepoId(source) };
}

function checkOwnFile(name: string): string {
  try {
    return checkRepoFile(name);
  } catch {
    throw new HubError(
      "invalid-argument",
      `Expected a file of the repository but received ${JSON.stringify(name)}.`,
    );
  }
}
