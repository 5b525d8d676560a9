/** Width and height in pixels, as stored. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** What an image says about itself before it is decoded. */
export interface ImageHeader extends ImageSize {
  readonly mimeType: string;
}
