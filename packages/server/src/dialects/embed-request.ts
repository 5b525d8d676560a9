import type { EmbedOptions } from "abstractllm";

/** What a request for vectors asks for. */
export interface EmbedRequest
  extends Pick<EmbedOptions, "dimensions" | "inputType" | "instruction" | "truncate"> {
  /** The model as the client calls it. */
  readonly model: string;
  readonly texts: readonly string[];
  /** The model is given back when it has answered. Default false. */
  readonly isLast?: boolean;
}
