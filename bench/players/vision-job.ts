/** What every player that sees is asked, and what it answers. */

export interface VisionJob {
  /** A checkpoint in Hugging Face's layout. */
  modelPath: string;
  /** The module of mlx-vlm that has the model. */
  module: string;
  threads: number;
  /** Of text alone, answered before anything is measured. */
  warmUp: string;
  /** With one placeholder of an image. */
  prompt: string;
  picturePath: string;
}

export interface VisionReport {
  version: string;
  /** From the path of the picture to the first token. */
  firstTokenMs: number;
  /** Tokens of the prompt, those of the image among them. */
  inputTokens: number;
}
