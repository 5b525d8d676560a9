/** What a request for vectors asks for. */
export interface EmbedRequest {
  /** The model as the client calls it. */
  readonly model: string;
  readonly texts: readonly string[];
  readonly dimensions: number | undefined;
}
