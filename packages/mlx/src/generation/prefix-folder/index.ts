/** Prefixes that outlive the process. */
export { PrefixFolder, type PrefixFolderOptions, preparePrefixFolder } from "./prefix-folder.ts";
