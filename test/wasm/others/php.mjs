/** PHP's functions for the network, against an echo server and an HTTP server on the ports that are its arguments. */

import { loadNodeRuntime } from "@php-wasm/node";
import { __private__dont__use, PHP } from "@php-wasm/universal";
import { withSockets } from "ringnet/wasm";

const [echo, http] = process.argv.slice(2).map(Number);
const load = async () => new PHP(await loadNodeRuntime("8.3", { emscriptenOptions: { processId: 1 } }));
const php = await withSockets(load, { FS: (loaded) => loaded[__private__dont__use].FS });
const { text, errors } = await php.run({
  code: `<?php
    $socket = fsockopen("localhost", ${echo}, $code, $message, 5);
    fwrite($socket, "hello\\n");
    $echoed = fgets($socket);
    $page = file_get_contents("http://127.0.0.1:${http}/");
    $curl = curl_init("http://127.0.0.1:${http}/");
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    $curled = curl_exec($curl);
    echo json_encode([$echoed === "hello\\n", strlen($page), $curled === $page]);`,
});
console.log(text, errors);
process.exit(0);
