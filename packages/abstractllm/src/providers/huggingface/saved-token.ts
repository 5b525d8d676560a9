import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { processEnvironment } from "../../config/read-environment.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The token that `hf auth login` saved, where Python's `huggingface_hub` keeps it; undefined where there is none. */
export async function savedToken(
  environment: Environment = processEnvironment(),
): Promise<string | undefined> {
  const { HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME, HOME = homedir() } = environment;
  const home = HF_HOME || join(XDG_CACHE_HOME || join(HOME, ".cache"), "huggingface");
  const path = (HF_TOKEN_PATH || join(home, "token")).replace(/^~(?=[/\\]|$)/, HOME);
  const text = await readFile(path, "utf8").catch(() => "");
  return text.trim() || undefined;
}
