/** A tool call as a text holds it. */
export interface WrittenCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** An id that the model gave. */
  readonly id?: string;
}
