#!/bin/sh
# Makes sockets.cjs of sockets.c, with Debian's package `emscripten` (3.1.6). The result is committed, so that the tests need no compiler.
set -e
cd "$(dirname "$0")"
root=../../..
# Debian's emscripten looks for its JavaScript modules beside Debian's own Node.
export NODE_PATH="${NODE_PATH:-/usr/share/nodejs}"
emcc -O2 sockets.c "$root/emscripten.c" --js-library "$root/emscripten.js" \
  -sMODULARIZE -sENVIRONMENT=node -sSINGLE_FILE -sWASM_ASYNC_COMPILATION=0 -sALLOW_MEMORY_GROWTH \
  -sEXPORTED_RUNTIME_METHODS=FS,callMain -sEXPORTED_FUNCTIONS=_main,_malloc -o sockets.cjs
