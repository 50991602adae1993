/** A program of a user's that requires the package. */

const ringnet = require("ringnet");
const { net } = require("ringnet/net");
const { exchange, expectSame } = require("./exchange.cjs");

expectSame(net, ringnet.net);
exchange(ringnet);
