import type { StreamPart } from "./stream-part.ts";

/** Whether a part is of the answer itself, which has begun then and cannot be given anew. */
export const isOfAnswer = ({ type }: StreamPart): boolean => type !== "prompt-usage";
