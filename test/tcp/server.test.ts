/**
 * Servers whose accepted sockets are read straight into the ring, where Node lets them.
 */

import { testServers } from "./servers.js";

testServers({ seesHiddenResets: true });
