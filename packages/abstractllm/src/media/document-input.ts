import { extractText } from "./documents/index.ts";
import { TextualInput } from "./textual-input.ts";

/**
 * A PDF or Word file, of which models read the text.
 *
 * @throws {FileProcessingError} for a source of unknown form; the methods, when it cannot be read, is damaged, holds no
 * text, or takes too much time or memory
 * @throws {UnsupportedFeatureError} the methods, with the install command, when the package that reads it is missing
 * @example const text = await new DocumentInput("paper.pdf").text();
 */
export class DocumentInput extends TextualInput {
  readonly mediaType = "document";

  protected extract(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<string> {
    return extractText(bytes, signal);
  }
}
