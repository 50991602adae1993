/** Runs sockets.cjs with this process's arguments, as emscripten's own start does. */
require("./sockets.cjs")({ arguments: process.argv.slice(2) });
