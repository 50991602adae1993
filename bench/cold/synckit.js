/** Cold start of synckit. */
import { byte, hello, host, port, report } from "./first-byte.js";

const start = performance.now();
const { default: synckit } = await import("../contenders/synckit.js");
const connection = synckit.connect(host, Number(port));
connection.send(hello);
connection.receive(byte);
report(start);
connection.close();
process.exit(0);
