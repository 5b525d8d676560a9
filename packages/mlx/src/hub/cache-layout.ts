import { join } from "node:path";

/** The folders of one repository in a Hugging Face cache; Python reads and writes the same. */
export interface RepoFolders {
  repo: string;
  root: string;
  blobs: string;
  snapshots: string;
  refs: string;
  locks: string;
}

/** Where a model repository lives in a cache: `org/name` in `models--org--name`. */
export function repoFolders(cacheDir: string, repo: string): RepoFolders {
  const name = ["models", ...repo.split("/")].join("--");
  const root = join(cacheDir, name);
  return {
    repo,
    root,
    blobs: join(root, "blobs"),
    snapshots: join(root, "snapshots"),
    refs: join(root, "refs"),
    locks: join(cacheDir, ".locks", name),
  };
}
