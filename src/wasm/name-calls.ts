/**
 * Look-ups for a WebAssembly program: getaddrinfo, getnameinfo and gethostbyname, with their structs in the program's
 * memory.
 *
 * Runs on the calling thread.
 */

import {
  type AddressInfo,
  AF_INET,
  AF_UNIX,
  AF_UNSPEC,
  EAI,
  getAddressInfo,
  getNameInfo,
  ipsOf,
  NameError,
  PosixError,
} from "../posix/index.js";
import type { GuestMemory } from "./guest-memory.js";
import { decodeAddress, encodeAddress, ipBytes } from "./socket-addresses.js";

/** The parts of a `struct addrinfo`. */
const INFO = {
  flags: 0,
  family: 4,
  type: 8,
  protocol: 12,
  addressLength: 16,
  address: 20,
  canonicalName: 24,
  next: 28,
};
const INFO_BYTES = 32;
/** The parts of a `struct hostent`. */
const HOST = { name: 0, aliases: 4, family: 8, length: 12, addresses: 16 };
const HOST_BYTES = 20;
const MAX_HOST_ADDRESSES = 16;
/** What a `struct hostent` points to: no aliases, the list of addresses, the addresses, the name. */
const HOST_DATA_BYTES = 4 + 4 * (MAX_HOST_ADDRESSES + 1) + 4 * MAX_HOST_ADDRESSES + 256;

export class NameCalls {
  readonly #memory: GuestMemory;
  readonly #malloc: (bytes: number) => number;
  /** The address of gethostbyname's result, which the next call overwrites. */
  #host = 0;

  constructor(memory: GuestMemory, malloc: (bytes: number) => number) {
    this.#memory = memory;
    this.#malloc = malloc;
  }

  /** Returns 0 or a value of EAI. */
  getaddrinfo(node: number, service: number, hints: number, out: number): number {
    return resultOf(() => {
      const memory = this.#memory;
      memory.bytes(out, 4);
      const [flags, family, type, protocol] = [INFO.flags, INFO.family, INFO.type, INFO.protocol].map((part) =>
        hints === 0 ? 0 : memory.i32(hints + part),
      ) as [number, number, number, number];
      const names = [node, service].map((address) => (address === 0 ? null : memory.text(address)));
      const [nodeName, serviceName] = names as [string | null, string | null];
      const list = getAddressInfo(nodeName, serviceName, { flags, family, type, protocol });
      let next = 0;
      for (const info of list.reverse()) next = this.#allocateInfo(info, next);
      memory.setI32(out, next);
    });
  }

  /** Returns 0 or a value of EAI. */
  getnameinfo(
    address: number,
    length: number,
    node: number,
    nodeRoom: number,
    service: number,
    serviceRoom: number,
    flags: number,
  ): number {
    return resultOf(() => {
      if (length < 0 || length > 128) throw new NameError("EAI_FAMILY");
      const decoded = decodeAddress(this.#memory.bytes(address, length));
      if (decoded.family === AF_UNSPEC || decoded.family === AF_UNIX) throw new NameError("EAI_FAMILY");
      const info = getNameInfo(decoded, flags);
      this.#writeName(node, nodeRoom, info.host);
      this.#writeName(service, serviceRoom, info.service);
    });
  }

  /** Returns the address of a `struct hostent`, or 0. */
  gethostbyname(name: number): number {
    const found = this.#hostOf(name);
    if (found === null) return 0;
    if (this.#host === 0) this.#host = this.#malloc(HOST_BYTES + HOST_DATA_BYTES);
    if (this.#host === 0) return 0;
    try {
      this.#writeHost(this.#host, this.#host + HOST_BYTES, found);
      return this.#host;
    } catch (error) {
      if (error instanceof PosixError) return 0; // the program's malloc has returned an address outside its memory
      throw error;
    }
  }

  /** Returns 0; writes `host` to `out`, or 0 if nothing was found. */
  gethostbyname_r(name: number, host: number, data: number, room: number, out: number, error: number): number {
    const HOST_NOT_FOUND = 1;
    const ERANGE = 68;
    try {
      const found = this.#hostOf(name);
      this.#memory.setI32(out, found === null ? 0 : host);
      this.#memory.setI32(error, found === null ? HOST_NOT_FOUND : 0);
      if (found === null) return 0;
      if (room < HOST_DATA_BYTES) return ERANGE;
      this.#memory.bytes(data, HOST_DATA_BYTES);
      this.#writeHost(host, data, found);
      return 0;
    } catch (failure) {
      if (failure instanceof PosixError) return ERANGE;
      throw failure;
    }
  }

  /** The first IPv4 address of a name as `in_addr_t`, or 0: the library's own gethostbyname calls it. */
  lookupName(name: number): number {
    const ip = this.#hostOf(name)?.ips[0];
    return ip === undefined ? 0 : Buffer.from(ipBytes(ip)).readInt32LE();
  }

  #allocateInfo({ type, protocol, address, canonicalName }: AddressInfo, next: number): number {
    const memory = this.#memory;
    const bytes = encodeAddress(address);
    // Each is a separate block, because the library frees them one by one.
    const socketAddress = this.#allocate(bytes.length);
    memory.bytes(socketAddress, bytes.length).set(bytes);
    let name = 0;
    if (canonicalName !== null) {
      const room = Buffer.byteLength(canonicalName) + 1;
      name = this.#allocate(room);
      memory.setText(name, room, canonicalName);
    }
    const info = this.#allocate(INFO_BYTES);
    const words: [number, number][] = [
      [INFO.flags, 0],
      [INFO.family, address.family],
      [INFO.type, type],
      [INFO.protocol, protocol],
      [INFO.addressLength, bytes.length],
      [INFO.address, socketAddress],
      [INFO.canonicalName, name],
      [INFO.next, next],
    ];
    for (const [part, value] of words) memory.setI32(info + part, value);
    return info;
  }

  #allocate(bytes: number): number {
    const address = this.#malloc(bytes);
    if (address === 0) throw new NameError("EAI_MEMORY");
    return address;
  }

  #writeName(address: number, room: number, text: string): void {
    if (address === 0 || room <= 0) return;
    this.#memory.setText(address, room, text);
    if (Buffer.byteLength(text) >= room) throw new NameError("EAI_OVERFLOW");
  }

  #hostOf(address: number): { name: string; ips: string[] } | null {
    try {
      const name = this.#memory.text(address, 256);
      const ips = ipsOf(name).filter((ip) => !ip.includes(":"));
      return ips.length === 0 ? null : { name, ips: ips.slice(0, MAX_HOST_ADDRESSES) };
    } catch (error) {
      if (error instanceof NameError || error instanceof PosixError) return null;
      throw error;
    }
  }

  #writeHost(host: number, data: number, { name, ips }: { name: string; ips: string[] }): void {
    const memory = this.#memory;
    const list = data + 4;
    const addresses = list + 4 * (MAX_HOST_ADDRESSES + 1);
    const text = addresses + 4 * MAX_HOST_ADDRESSES;
    memory.setI32(data, 0);
    ips.forEach((ip, i) => {
      memory.bytes(addresses + 4 * i, 4).set(ipBytes(ip));
      memory.setI32(list + 4 * i, addresses + 4 * i);
    });
    memory.setI32(list + 4 * ips.length, 0);
    memory.setText(text, 256, name);
    memory.setI32(host + HOST.name, text);
    memory.setI32(host + HOST.aliases, data);
    memory.setI32(host + HOST.family, AF_INET);
    memory.setI32(host + HOST.length, 4);
    memory.setI32(host + HOST.addresses, list);
  }
}

function resultOf(call: () => void): number {
  try {
    call();
    return 0;
  } catch (error) {
    if (error instanceof NameError) return EAI[error.code];
    if (error instanceof PosixError) return error.code === "EAFNOSUPPORT" ? EAI.EAI_FAMILY : EAI.EAI_FAIL;
    throw error;
  }
}
