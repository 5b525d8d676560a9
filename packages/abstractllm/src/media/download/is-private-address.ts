import { BlockList, isIPv4 } from "node:net";

/** Ranges that are no place of the public internet. @see IANA's special-purpose address registries */
const PRIVATE_IPV4: readonly string[] = [
  "0.0.0.0/8", // this network
  "10.0.0.0/8",
  "100.64.0.0/10", // shared by carriers
  "127.0.0.0/8",
  "169.254.0.0/16", // link-local; the metadata services of clouds
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24", // documentation
  "192.88.99.0/24", // 6to4 relays
  "192.168.0.0/16",
  "198.18.0.0/15", // benchmarks
  "198.51.100.0/24", // documentation
  "203.0.113.0/24", // documentation
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
];

/** Of IPv6 only this range is the public internet. */
const PUBLIC_IPV6 = "2000::/3";

/** Parts of it that are not, or that carry an IPv4 address inside. */
const PRIVATE_IPV6: readonly string[] = [
  "2001::/23", // protocols, Teredo
  "2001:db8::/32", // documentation
  "2002::/16", // 6to4
  "3fff::/20", // documentation
];

function listOf(family: "ipv4" | "ipv6", ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", bits] = range.split("/");
    list.addSubnet(network, Number(bits), family);
  }
  return list;
}

const privateIpv4 = listOf("ipv4", PRIVATE_IPV4);
const publicIpv6 = listOf("ipv6", [PUBLIC_IPV6]);
const privateIpv6 = listOf("ipv6", PRIVATE_IPV6);

/** Whether an IP address is anything but a host of the public internet (CWE-918). */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return privateIpv4.check(address, "ipv4");
  return !publicIpv6.check(address, "ipv6") || privateIpv6.check(address, "ipv6");
}
