/** The command line is wrong; the message says how, and the program ends with `ExitCode.USAGE`. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "usage";
}
