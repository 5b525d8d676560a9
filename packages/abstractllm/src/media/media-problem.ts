/** Why a source cannot be used, in words that follow "Cannot read the file x: ". Inputs turn it into their own error. */
export class MediaProblem extends Error {
  /** Whether the same source may work later. */
  readonly retryable: boolean;

  constructor(problem: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(problem, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MediaProblem";
    this.retryable = options.retryable ?? false;
  }
}
