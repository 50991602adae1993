/**
 * Opens handles and forgets them without closing: `node --expose-gc forgotten.js <count> <port>`. The collector finds them, and closing
 * takes a turn of the event loop.
 */

import { createRuntime, Poller } from "ringnet";
import { account, pause, tell } from "./ledger.js";

const [count, port] = [Number(process.argv[2]), Number(process.argv[3])];
const host = "127.0.0.1";
// With so little memory a leak ends the networking thread.
const runtime = createRuntime({ resourceLimits: { maxOldGenerationSizeMb: 40 } });
const opened = () => [...runtime.links].reduce((sum, link) => sum + link.openCount, 0);

function forget(total) {
  const poller = new Poller();
  for (let i = 0; i < total; i++) {
    const socket = runtime.connect({ host, port, timeout: 5000 });
    if (i % 3 === 0) socket.write("unread when it is forgotten");
    poller.add(socket);
    if (i % 10 === 0)
      poller.add(runtime.bindUdp({ host })).add(runtime.listen({ host })).add(runtime.resolve("localhost"));
  }
}

async function collected() {
  const deadline = performance.now() + 20_000;
  for (;;) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
    pause(5);
    new Poller().wait(0);
    if (opened() === 0) return;
    if (performance.now() > deadline) throw new Error(`${opened()} handles are still open`);
  }
}

forget(50);
await collected();
const before = account(runtime);
let forgotten = 0;
for (let done = 0; done < count; done += 100) {
  forget(100);
  forgotten += opened();
  await collected();
}
tell(before, account(runtime), { count, forgotten });
runtime.close();
