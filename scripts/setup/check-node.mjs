// Runs on any Node that knows ES modules, so only old syntax and no imports here.

const oldestMajor = 20;
const oldestMinor = 19;

/**
 * Says why this Node cannot run the project.
 *
 * @param {string} version - as in `process.versions.node`
 * @returns {string | undefined} one line, or undefined when the version will do
 */
export function nodeVersionProblem(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `Node ${version} is too old: this project needs Node ${oldestMajor}.${oldestMinor} or newer. Install one from https://nodejs.org or with a version manager (nvm install 22).`;
}

const problem = nodeVersionProblem(process.versions.node);
if (problem !== undefined) {
  console.error(problem);
  process.exit(1);
}
