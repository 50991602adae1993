/** Python's own modules for the network, against an echo server and an HTTP server on the ports that are its arguments. */

import { loadPyodide } from "pyodide";
import { withSockets } from "ringnet/wasm";

const [echo, http] = process.argv.slice(2).map(Number);
const pyodide = await withSockets(() => loadPyodide(), { FS: (loaded) => loaded.FS });
const answer = pyodide.runPython(`
import select, socket, urllib.request

s = socket.create_connection(("localhost", ${echo}), timeout=5)
s.sendall(b"hello")
ready = select.select([s], [], [], 5)[0] == [s]
s.shutdown(socket.SHUT_WR)
echoed = b"".join(iter(lambda: s.recv(100), b""))

try:
    socket.create_connection(("127.0.0.1", 1), timeout=5)
    refused = False
except ConnectionRefusedError:
    refused = True

server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
accepted, peer = server.accept()
accepted.settimeout(0.05)
try:
    accepted.recv(1)
    timed_out = False
except TimeoutError:
    timed_out = peer == client.getsockname()

page = urllib.request.urlopen("http://127.0.0.1:${http}/", timeout=5).read()
[echoed == b"hello", ready, refused, timed_out, len(page)]
`);
console.log(JSON.stringify(answer.toJs()));
process.exit(0);
