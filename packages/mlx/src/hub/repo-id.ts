import { HubError } from "../errors.ts";

/**
 * Checks a repository id, `name` or `namespace/name`, by the rules of Python's `validate_repo_id`.
 *
 * @throws {HubError} `invalid-argument`
 * @see huggingface_hub 2.4 utils/_validators.py
 */
export function checkRepoId(repo: string): string {
  const wellFormed = /^(?:\b[\w.-]{1,96}\b\/)?\b[\w.-]{1,96}\b$/.test(repo);
  if (!wellFormed || repo.includes("--") || repo.includes("..") || repo.endsWith(".git")) {
    throw new HubError(
      "invalid-argument",
      `Expected a repository id such as "org/name" (letters, digits, "-", "_", "."; no "--" or "..", ` +
        `at most 96 characters a part) but received ${JSON.stringify(repo.slice(0, 120))}.`,
    );
  }
  return repo;
}
