/** What the program's exit status says. */
export const ExitCode = {
  OK: 0,
  /** Something failed; the message is on stderr. */
  ERROR: 1,
  /** The command line is wrong. */
  USAGE: 2,
  /** Ctrl-C, as shells report it. */
  INTERRUPTED: 130,
} as const;
