import { isIP } from "node:net";
import { MediaProblem } from "../media-problem.ts";
import { isPrivateAddress } from "./is-private-address.ts";
import { privateHost } from "./pinned-lookup.ts";

/** Names that mean this machine or the local network, whatever a name service says. */
const PRIVATE_NAMES = /^(localhost|.*\.(localhost|local|internal|home\.arpa))$/;

/**
 * Refuses addresses that must not be fetched, as far as that shows without asking a name service.
 *
 * The URL parser has already made `0x7f.1`, `2130706433` and `[::ffff:127.0.0.1]` one form.
 *
 * @throws {MediaProblem}
 */
export function checkUrl(url: URL, allowPrivate: boolean): void {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new MediaProblem(`addresses of the scheme ${url.protocol} are not read`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new MediaProblem("its address holds a user name or password; such addresses are not fetched");
  }
  if (allowPrivate) return;
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (isIP(host) === 0 ? PRIVATE_NAMES.test(host) : isPrivateAddress(host)) throw privateHost();
}
