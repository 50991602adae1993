/**
 * A Lua VM whose global `net` is the facade of ringnet, for plug-ins that were written against the original. A call
 * that blocks in JavaScript blocks the Lua program, as it does where Lua runs natively.
 */

import { createNet, poll } from "ringnet";
import { LuaVm } from "./lua-vm.js";

/** The methods of the facade's classes. What they return is a pair, and so two results in Lua, or one value. */
const METHODS = {
  address: ["get_hostname", "get_ip", "get_status", "wait_until_resolved"],
  tcp: ["wait_until_connected", "get_address", "read", "write", "get_pending_writes", "wait_until_drained", "close"],
  server: ["accept", "get_port"],
  udp: ["send", "receive"],
  datagram: ["get_data"],
};
const FUNCTIONS = ["open_tcp", "create_server", "open_udp", "get_local_addresses", "get_cacert_path"];

/** A VM with the global `net`; `options`: see `createNet`. */
export async function createLuaNet(options) {
  const net = createNet(options);
  const vm = await LuaVm.create(new Set(Object.values(METHODS).flat()));
  vm.setGlobal("net", {
    ...Object.fromEntries(FUNCTIONS.map((name) => [name, net[name]])),
    resolve_address: (name) => net.resolve_address(textOf(name)),
    set_cacert_path: (path) => net.set_cacert_path(textOf(path)),
    poll: pollEntries,
    now: () => performance.now(),
  });
  return vm;
}

/** Which of the entries `{ object, "r" or "w" }` are ready, as a list of their places; blocks for the first, for up to `timeout` ms. */
function pollEntries(entries, timeout) {
  const watched = entries.map(([handle, kind]) => ({ handle, [String(kind) === "w" ? "writable" : "readable"]: true }));
  const ready = new Set(poll(watched, timeout ?? -1));
  return [watched.flatMap(({ handle }, i) => (ready.has(handle) ? [i + 1] : []))];
}

/** A name or path, which Lua has as bytes. */
function textOf(value) {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
}
