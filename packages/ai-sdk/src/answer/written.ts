import type { StreamPart } from "abstractllm";

/** What a model has written of its answer; one that is given anew, for its schema, begins again. */
export class Written {
  text = "";
  reasoning = "";

  read(part: StreamPart): void {
    if (part.type === "text-delta") this.text += part.text;
    if (part.type === "reasoning-delta") this.reasoning += part.text;
    if (part.type === "step-finish") this.text = this.reasoning = "";
  }
}
