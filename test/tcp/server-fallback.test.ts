/**
 * Servers whose accepted sockets are read by Node's public API alone, as on a Node without the private part that
 * src/worker/node-internals.ts uses.
 */

import { testServers } from "./servers.js";

process.env.RINGNET_PUBLIC_ONLY = "1"; // before the networking thread starts, which gets a copy

testServers({ seesHiddenResets: false });
