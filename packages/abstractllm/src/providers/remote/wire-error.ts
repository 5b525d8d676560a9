/** What came over the wire is not what the protocol promises, or nothing came; the client that was asked knows whose wire. */
export class WireError extends Error {
  override readonly name = "WireError";
  /** `"connection"`: trying again may help. `"protocol"`: it does not. */
  readonly kind: "connection" | "protocol";

  constructor(kind: WireError["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
