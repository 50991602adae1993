/** Cold start of koffi. */
import { byte, hello, host, port, report } from "./first-byte.js";

const start = performance.now();
const { default: koffi } = await import("../contenders/koffi.js");
const connection = koffi.connect(host, Number(port));
connection.send(hello);
connection.receive(byte);
report(start);
connection.close();
process.exit(0);
