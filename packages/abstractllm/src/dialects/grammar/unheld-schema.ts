/** Parameters of a tool that a model cannot be held to in the dialect in which it writes its calls. */
export class UnheldSchema extends Error {
  /** @param what - in the schema */
  constructor(tool: string, what: string) {
    super(
      `Calls of tool "${tool}" cannot be held to its parameters: the model's way of calls has no form for ${what}`,
    );
    this.name = "UnheldSchema";
  }
}
