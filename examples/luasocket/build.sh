#!/bin/sh
# Builds Lua 5.1 with LuaSocket for Node, unmodified:
#
#   build.sh <folder of Lua's sources> <folder of LuaSocket's sources> <output, such as lua.cjs> [more options for emcc]
#
# Needs emscripten. The program sees this machine's files below /host.
set -e
here=$(cd "$(dirname "$0")" && pwd)
ringnet=$here/../..
lua=$1 socket=$2 output=$3
shift 3
# Debian's emscripten looks for its JavaScript modules beside Debian's own Node.
export NODE_PATH="${NODE_PATH:-/usr/share/nodejs}"

# The modules written in Lua, where Lua looks for them.
modules=$(mktemp -d)
trap 'rm -r "$modules"' EXIT
mkdir "$modules/socket"
for name in socket mime ltn12 mbox; do cp "$socket/$name.lua" "$modules"; done
for name in http url tp ftp headers smtp; do cp "$socket/$name.lua" "$modules/socket"; done

sources=
for file in "$lua"/*.c; do
  case $file in */luac.c | */print.c | */linit.c) ;; *) sources="$sources $file" ;; esac
done
for name in auxiliar buffer compat except inet io luasocket mime options select tcp timeout udp usocket unix unixdgram unixstream; do
  sources="$sources $socket/$name.c"
done

# shellcheck disable=SC2086
emcc -O2 -w -DLUASOCKET_DEBUG -I"$lua" "$here/libraries.c" $sources "$ringnet/emscripten.c" \
  --js-library "$ringnet/emscripten.js" --pre-js "$here/files.js" -lnodefs.js \
  --embed-file "$modules@/usr/local/share/lua/5.1" \
  -sWASM_ASYNC_COMPILATION=0 -sALLOW_MEMORY_GROWTH -sENVIRONMENT=node -sEXIT_RUNTIME "$@" -o "$output"
