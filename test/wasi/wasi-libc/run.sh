#!/bin/sh
# Builds wasi-libc's own tests for sockets as components and runs them with this package:
#   run.sh <wasi-libc> <libc-test>    folders with checkouts of WebAssembly/wasi-libc and bytecodealliance/libc-test
# Needs a wasi-libc for wasm32-wasip2 of the same age as the tests: Debian's packages `wasi-libc`, `clang-22`, `lld-22` and
# `libclang-rt-22-dev-wasm32` (not in Debian 13 yet), and npx. Not part of the suite, which must run without that;
# docs/ported-suites.md has the results.
set -e
here=$(cd "$(dirname "$0")" && pwd)
sources=$1/test/src common=$2/src/common
work=${WORK:-$(mktemp -d)}
compile="${CC:-clang-22} --target=wasm32-wasip2 --sysroot=${SYSROOT:-/usr} -fuse-ld=${LD:-/usr/bin/wasm-ld-22}"

for program in "$sources"/sockets-*.c "$sources"/poll-*.c "$sources"/getaddrinfo*.c "$sources/setsockopt.c"; do
  name=$(basename "$program" .c)
  [ -e "$work/$name.wasm" ] && continue
  $compile -w -O1 -I"$common" "$program" "$common/print.c" -o "$work/$name.core.wasm"
  ${JCO:-npx --yes @bytecodealliance/jco} new "$work/$name.core.wasm" -o "$work/$name.wasm"
done
node "$here/run.js" "$work"
