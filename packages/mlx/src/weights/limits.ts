/** Bounds on what a weight file may declare. Each is far above real models and far below harm. */

/** Bytes of a safetensors header; the reference implementation's limit (CWE-770). */
export const MAX_SAFETENSORS_HEADER_BYTES = 100_000_000;

/** Bytes of `model.safetensors.index.json`; the largest real ones are about 20 MB (CWE-770). */
export const MAX_INDEX_BYTES = 100_000_000;

/** Tensors in one file; mixture-of-experts checkpoints reach about 100,000 (CWE-770). */
export const MAX_TENSORS = 1_000_000;

/** Dimensions of one tensor; models use at most 6 (CWE-770). */
export const MAX_DIMENSIONS = 8;

/** Length of one dimension: MLX shapes are int32, and a larger one would wrap there (CWE-190). */
export const MAX_DIMENSION = 2 ** 31 - 1;

/** Nesting of JSON; the reference implementation (serde_json) stops there as well (CWE-674). */
export const MAX_JSON_DEPTH = 127;

/** Bytes of one string: a name, a chat template, a metadata value (CWE-770). */
export const MAX_STRING_BYTES = 10_000_000;

/** Dimensions of a GGUF tensor; ggml has four (CWE-770). */
export const MAX_GGUF_DIMENSIONS = 4;

/** Bytes of a GGUF tensor name; ggml keeps 64 with the terminator (CWE-787 in readers that copy it). */
export const MAX_GGUF_TENSOR_NAME_BYTES = 63;

/** Bytes of a GGUF metadata key; the format's own limit. */
export const MAX_GGUF_KEY_BYTES = 65_535;

/** GGUF metadata pairs; real files have under 100 (CWE-770). */
export const MAX_GGUF_PAIRS = 65_536;

/** Elements in all GGUF metadata arrays together; the largest vocabularies need 1.3 million (CWE-770). */
export const MAX_GGUF_ELEMENTS = 2 ** 22;

/** Elements that an array within an array counts for: even an empty one takes some hundred bytes (CWE-770). */
export const GGUF_NESTED_ARRAY_COST = 128;

/** Bytes of the GGUF metadata; the largest vocabularies need about 20 MB (CWE-770). */
export const MAX_GGUF_METADATA_BYTES = 2 ** 27;

/** Arrays in arrays in GGUF metadata; ggml itself refuses any (CWE-674). */
export const MAX_GGUF_ARRAY_DEPTH = 4;
