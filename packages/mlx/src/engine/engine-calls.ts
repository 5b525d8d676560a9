import type { HostReply, HostRequest } from "./protocol.ts";
import type { GenerationPart } from "./types.ts";

export interface CallOptions {
  signal?: AbortSignal | undefined;
  onPart?: (part: GenerationPart) => void;
}

/** What a model's handle needs of its engine. */
export interface EngineCalls {
  /** False once the host is gone or going. */
  readonly isAlive: boolean;
  /** Sends a request; rejects when the host fails, dies or the signal aborts it. */
  call(body: HostRequest, options?: CallOptions): Promise<HostReply>;
}
