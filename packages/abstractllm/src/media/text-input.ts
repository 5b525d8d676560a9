import { decodeText } from "./decode-text.ts";
import { TextualInput } from "./textual-input.ts";

/**
 * A text file: prose, code, data.
 *
 * @throws {FileProcessingError} for a source of unknown form; the methods, when it cannot be read or is not text
 * @example const text = await new TextInput("notes.md").text();
 */
export class TextInput extends TextualInput {
  readonly mediaType = "text";

  protected extract(bytes: Uint8Array): string {
    return decodeText(bytes, this.encoding);
  }
}
