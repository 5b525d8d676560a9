import { type LookupAddress, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { MediaProblem } from "../media-problem.ts";
import { isPrivateAddress } from "./is-private-address.ts";

/** Asks the name service for every address of a host. */
export type Resolver = (host: string) => Promise<LookupAddress[]>;

/** The system's resolver. */
export const systemResolver: Resolver = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

/**
 * A `lookup` for one connection: the addresses it checks are the ones that are connected to, so that a name service
 * that answers differently the second time gains nothing.
 */
export function pinnedLookup(resolver: Resolver, allowPrivate: boolean): LookupFunction {
  return (host, options, callback) => {
    resolver(host).then(
      (addresses) => {
        const hidden = addresses.some(({ address }) => isPrivateAddress(address));
        const first = addresses[0];
        if (first === undefined) return callback(new MediaProblem("its host has no address"), "");
        if (hidden && !allowPrivate) return callback(privateHost(), "");
        return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ""),
    );
  };
}

/** The refusal of a host inside. */
export const privateHost = (): MediaProblem =>
  new MediaProblem(
    "its host is in a private network or this machine, where a prompt must not reach; allowPrivateUrls permits it",
  );
