#!/bin/sh
# Makes sockets.cjs of sockets.c, and plain.cjs, which does not use this package, with Debian's package `emscripten` (3.1.6). The results are
# committed, so that the tests need no compiler.
set -e
cd "$(dirname "$0")"
root=../../..
# Debian's emscripten looks for its JavaScript modules beside Debian's own Node.
export NODE_PATH="${NODE_PATH:-/usr/share/nodejs}"
build() {
  emcc -O2 sockets.c "$@" -sMODULARIZE -sENVIRONMENT=node -sSINGLE_FILE -sALLOW_MEMORY_GROWTH \
    -sEXPORTED_RUNTIME_METHODS=FS,callMain -sEXPORTED_FUNCTIONS=_main,_malloc
}
build "$root/emscripten.c" --js-library "$root/emscripten.js" -sWASM_ASYNC_COMPILATION=0 -o sockets.cjs
build -o plain.cjs
