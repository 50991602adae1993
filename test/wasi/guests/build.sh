#!/bin/sh
# Makes sockets.wasm.gz of sockets.rs. Needs what Debian 13 has in the packages `rustc`, `libstd-rust-dev-wasm32` and `lld`, and npx. The result is
# committed, so that the tests need no compiler.
set -e
cd "$(dirname "$0")"
folder=$(mktemp -d)
rustc --target wasm32-wasip2 -C linker=wasm-ld -C linker-flavor=wasm-ld -C opt-level=z -C lto=fat -C codegen-units=1 \
  -C panic=abort -C strip=symbols --edition 2021 sockets.rs -o "$folder/core.wasm"
npx --yes --package binaryen wasm-opt -Oz --strip-debug --enable-bulk-memory --enable-bulk-memory-opt --enable-sign-ext \
  --enable-mutable-globals --enable-nontrapping-float-to-int --enable-multivalue --enable-reference-types \
  "$folder/core.wasm" -o "$folder/small.wasm"
# `--wasi-command`: Rust's library also imports WASI 0.1, for the arguments for example.
npx --yes @bytecodealliance/jco new "$folder/small.wasm" --wasi-command -o "$folder/sockets.wasm"
gzip -9nc "$folder/sockets.wasm" > sockets.wasm.gz
rm -r "$folder"
