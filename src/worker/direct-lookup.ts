/**
 * Looks a host up without the system's resolver: in the hosts file, then by asking the name servers.
 *
 * Runs on the networking thread. Used only while the threads that the system's resolver needs are occupied by names
 * without an answer. It uses none of a system's other sources (mDNS, search domains); names that it does not find are
 * left to the system.
 */

import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { withRegularFile } from "./regular-file.js";

const HOSTS_FILE = "/etc/hosts";
const MAX_BYTES = 16 * 1024 * 1024;
/** The timeout of one query to one name server, in ms. */
const ANSWER_MS = 2000;

/** The IPs of `host`; rejects if none are found this way. */
export async function lookupDirectly(host: string): Promise<string[]> {
  const known = await fromHostsFile(host.toLowerCase());
  if (known.length > 0) return known;
  const resolver = new Resolver({ timeout: ANSWER_MS, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (addresses.length === 0) throw new Error(`no name server has an address of ${host}`);
  return addresses;
}

/** The lines of the hosts file that name `host`: an IP, then names, then perhaps a comment. See hosts(5). */
async function fromHostsFile(host: string): Promise<string[]> {
  let text: string;
  try {
    text = await withRegularFile(HOSTS_FILE, MAX_BYTES, (file) => file.text());
  } catch {
    return [];
  }
  const found: string[] = [];
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    if (isIP(address) !== 0 && names.includes(host)) found.push(address);
  }
  return found;
}
