export { beginAnswer } from "./begin-answer.ts";
export { readWhole } from "./read-whole.ts";
export { toStream } from "./to-stream.ts";
