/** A model in the memory of this machine. */
export interface LoadedModelInfo {
  /** What the option `model` took. */
  readonly name: string;
  /** Of its weights, those of a draft model included; keys and values of conversations come on top. */
  readonly weightBytes: number;
  readonly device: "cpu" | "gpu";
  /** Its architecture, such as `"llama"`. */
  readonly modelType: string;
  /** Numbers that its weights stand for, however they are packed. */
  readonly parameterCount: number;
  /** Bits of a quantized weight. */
  readonly bits?: number;
  /** Tokens that prompt and answer may have together, where the model names a limit. */
  readonly contextLength?: number;
}
