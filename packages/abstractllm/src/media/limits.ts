const MIB = 1024 * 1024;

/** A prompt of more text than this fits no model; refusing early spares the memory (CWE-400). */
export const MAX_FILE_BYTES = 64 * MIB;

/** Cells of a table once its rows have one length; a row of a million columns makes every other one as long (CWE-400). */
export const MAX_TABLE_CELLS = 5_000_000;

/** Pages of a document: far more text than any model reads at once. */
export const MAX_DOCUMENT_PAGES = 5000;

/** Most that a Word file, or a stream of a PDF, may unpack to: deflate can hold a thousand times its size (CWE-409). */
export const MAX_UNPACKED_BYTES = 256 * MIB;

/** Most time that reading a document may take (CWE-400). */
export const MAX_DOCUMENT_MILLISECONDS = 30_000;

/** Most heap of the thread that reads a document. */
export const MAX_DOCUMENT_HEAP_MIB = 512;

/** What the services take at most, OpenAI's 20 MB. */
export const MAX_IMAGE_BYTES = 20 * MIB;

/** A few bytes can declare an image that fills the memory of whoever decodes it (CWE-409). */
export const MAX_IMAGE_PIXELS = 50_000_000;

/** Images of one call: the lowest limit of the large services, Anthropic's. */
export const MAX_IMAGES = 100;

/** Shorter strings are paths: no image is so small that its base64 has fewer characters. */
export const MIN_BASE64_CHARACTERS = 100;
