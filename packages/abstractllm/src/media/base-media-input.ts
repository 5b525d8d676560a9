import type { AbstractLLMError } from "../errors/index.ts";
import type { MediaInput, MediaSource, MediaType, ProviderFormat } from "../interface/media-source.ts";
import { describeSource } from "./describe-source.ts";
import { MediaProblem } from "./media-problem.ts";
import { type ReadOptions, SourceFile } from "./source-file.ts";

/** What all kinds of media share: one source, read when it is asked for, and errors of their own class. */
export abstract class BaseMediaInput implements MediaInput {
  abstract readonly mediaType: MediaType;
  protected readonly file: SourceFile;
  /** More content than this is refused. */
  protected abstract readonly maxBytes: number;

  constructor(source: MediaSource | SourceFile, options: ReadOptions = {}) {
    try {
      this.file = source instanceof SourceFile ? source : new SourceFile(source, options);
    } catch (error) {
      throw this.refusal(error, source instanceof SourceFile ? source.source.name : describeSource(source));
    }
  }

  get name(): string {
    return this.file.source.name;
  }

  get mimeType(): string | undefined {
    return this.file.mimeType;
  }

  bytes(signal?: AbortSignal): Promise<Uint8Array> {
    return this.guarded(() => this.file.read(this.maxBytes, signal));
  }

  abstract toProviderFormat(format: ProviderFormat, signal?: AbortSignal): Promise<unknown>;
  abstract metadata(signal?: AbortSignal): Promise<Readonly<Record<string, unknown>>>;

  /** The error of this kind of media for a problem with it. */
  protected abstract problem(problem: MediaProblem, name: string): AbstractLLMError;

  /** Runs work and turns its problems into this kind's error. */
  protected async guarded<T>(work: () => Promise<T> | T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.refusal(error, this.name);
    }
  }

  private refusal(error: unknown, name: string): unknown {
    return error instanceof MediaProblem ? this.problem(error, name) : error;
  }
}

/** Whether a value is media already made. */
export function isMediaInput(value: unknown): value is MediaInput {
  return value instanceof BaseMediaInput;
}
