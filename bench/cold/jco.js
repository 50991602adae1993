/** Cold start of jco. */
import { byte, hello, host, port, report } from "./first-byte.js";

const start = performance.now();
const { default: jco } = await import("../contenders/jco.js");
const connection = jco.connect(host, Number(port));
connection.send(hello);
connection.receive(byte);
report(start);
connection.close();
process.exit(0);
