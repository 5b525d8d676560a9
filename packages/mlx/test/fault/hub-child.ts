/** A process of its own that resolves one model: node --import tsx hub-child.ts <endpoint> <cacheDir> <source>. */
import { resolveModel } from "../../src/hub/index.ts";

const [endpoint = "", cacheDir = "", source = ""] = process.argv.slice(2);
const { path, fromCache } = await resolveModel(
  source,
  { endpoint, cacheDir, token: false },
  { limits: { retryBaseMs: 5, lockPollMs: 20 } },
);
process.stdout.write(JSON.stringify({ path, fromCache }));
