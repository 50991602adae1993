/** Runs plain.cjs with this process's arguments, with sockets. */

import { withSockets } from "ringnet/wasm";
import load from "./plain.cjs";

const program = await withSockets(() => load({ noInitialRun: true }), { FS: (loaded) => loaded.FS });
program.callMain(process.argv.slice(2));
