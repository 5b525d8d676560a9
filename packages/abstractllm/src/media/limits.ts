const MIB = 1024 * 1024;

/** A prompt of more text than this fits no model; refusing early spares the memory (CWE-400). */
export const MAX_FILE_BYTES = 64 * MIB;

/** What the services take at most, OpenAI's 20 MB. */
export const MAX_IMAGE_BYTES = 20 * MIB;

/** A few bytes can declare an image that fills the memory of whoever decodes it (CWE-409). */
export const MAX_IMAGE_PIXELS = 50_000_000;

/** Images of one call: the lowest limit of the large services, Anthropic's. */
export const MAX_IMAGES = 100;

/** Shorter strings are paths: no image is so small that its base64 has fewer characters. */
export const MIN_BASE64_CHARACTERS = 100;
