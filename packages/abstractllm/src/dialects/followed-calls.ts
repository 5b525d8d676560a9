import type { AnswerParts } from "./answer-parts.ts";
import type { CallFollower } from "./call-follower.ts";

/** Sends the calls of a block on while they are written. */
export class FollowedCalls {
  readonly #follower: CallFollower;
  readonly #parts: AnswerParts;
  /** The call that is being sent, and where in the block it begins. */
  #open: { readonly id: string; readonly at: number } | undefined;
  #count = 0;

  constructor(follower: CallFollower, parts: AnswerParts) {
    this.#follower = follower;
    this.#parts = parts;
  }

  /** @param block - so far */
  read(block: string, isWhole: boolean): void {
    for (const piece of this.#follower.read(block, isWhole)) {
      if (piece.type === "start") {
        this.#open = { id: this.#parts.startCall(piece.name, piece.id), at: piece.at };
      } else if (this.#open !== undefined) {
        if (piece.type === "input") this.#parts.addInput(this.#open.id, piece.text);
        else this.#end(this.#open.id, piece.call);
      }
    }
  }

  #end(id: string, call: Parameters<AnswerParts["endCall"]>[1]): void {
    this.#parts.endCall(id, call);
    this.#open = undefined;
    this.#count++;
  }

  /** How many calls are complete. */
  get count(): number {
    return this.#count;
  }

  /** What of the block is a call that is not complete. */
  openText(block: string): string {
    return this.#open === undefined ? "" : block.slice(this.#open.at);
  }
}
