import type { ImageContent, MediaSource } from "abstractllm";
import { RequestProblem } from "../http/request-problem.ts";

/**
 * A source that a client may name: data in the request, or an address that anybody may fetch. Paths of this machine are
 * none of its business.
 *
 * @throws {RequestProblem} for anything else
 */
export function mediaSource(url: string, param: string): MediaSource {
  if (/^(data:|https?:\/\/)/i.test(url)) return url;
  const message = `Expected a data: or http(s) URL for ${param}`;
  throw new RequestProblem("invalid", message, { param });
}

/** @throws {RequestProblem} for what is no base64 */
export function base64Source(data: string, mimeType: string, param: string): MediaSource {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data.replaceAll(/\s/g, ""))) {
    throw new RequestProblem("invalid", `Expected base64 for ${param}`, { param });
  }
  return { source: { type: "base64", media_type: mimeType, data } };
}

const DETAILS = ["auto", "low", "high"] as const;

/** An image, with how finely it is looked at. @throws {RequestProblem} */
export function imageContent(url: string, detail: string | undefined, param: string): ImageContent {
  const known = DETAILS.find((name) => name === detail);
  if (detail !== undefined && known === undefined) {
    throw new RequestProblem("invalid", `Expected ${DETAILS.join(", ")} for the detail of ${param}`, {
      param,
    });
  }
  return {
    type: "image",
    image: mediaSource(url, param),
    ...(known === undefined ? {} : { detail: known }),
  };
}
