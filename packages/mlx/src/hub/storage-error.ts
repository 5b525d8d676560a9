import { HubError, MlxError } from "../errors.ts";
import { errnoOf } from "./fs-errors.ts";

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "The disk is full. Free space, or set HF_HUB_CACHE to a folder on another disk.",
  EDQUOT: "The disk quota is used up. Free space, or set HF_HUB_CACHE to a folder elsewhere.",
  EROFS: "The file system is read-only. Set HF_HUB_CACHE to a folder that can be written.",
  EACCES:
    "Permission denied. Change the folder's owner, or set HF_HUB_CACHE to a folder that can be written.",
  EPERM: "Permission denied. Change the folder's owner, or set HF_HUB_CACHE to a folder that can be written.",
  EMFILE: "Too many open files. Raise the limit with `ulimit -n`.",
  ENFILE: "Too many open files on this machine.",
};

/** Turns a failed call on the file system into a `HubError` that says what to do; other errors stay as they are. */
export function storageError(error: unknown, cacheDir: string): unknown {
  const code = errnoOf(error);
  if (MlxError.isInstance(error) || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const remedy = REMEDIES[code] ?? `The file system answered ${code}.`;
  return new HubError("storage", `Cannot use the model cache ${cacheDir}. ${remedy}`, {
    cause: error,
    details: { cacheDir, errno: code },
  });
}
