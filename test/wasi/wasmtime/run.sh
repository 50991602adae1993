#!/bin/sh
# Builds wasmtime's programs for wasi:sockets as components and runs them with this package:
#   run.sh <wasmtime> <wasi-rs> <wit-bindgen>     folders with checkouts of these repositories of bytecodealliance
# Needs what Debian 13 has in the packages `rustc`, `libstd-rust-dev-wasm32`, `librust-bitflags-dev` and `lld`, and npx. Not part of the
# suite, which must run without that; docs/ported-suites.md has the results.
set -e
here=$(cd "$(dirname "$0")" && pwd)
wasmtime=$1/crates/test-programs/src wasip2=$2/crates/wasip2/src guest=$3/crates/guest-rust/src
work=${WORK:-$(mktemp -d)}
compile="${RUSTC:-rustc} --target wasm32-wasip1 -C opt-level=s -A warnings -L $work"

library() { $compile --crate-type rlib --out-dir "$work" "$@"; }
library --edition 2021 --crate-name bitflags "${BITFLAGS:-$(echo /usr/share/cargo/registry/bitflags-2*)}/src/lib.rs"
library --edition 2024 --crate-name wit_bindgen "$guest/lib.rs" --extern bitflags="$work/libbitflags.rlib" \
  --cfg 'feature="std"' --cfg 'feature="bitflags"' --cfg 'feature="realloc"'
# wasmtime generates the bindings of its library; wasi-rs has the same ones ready.
cat > "$work/test_programs.rs" <<END
include!("$wasip2/imports.rs");
#[path = "$wasmtime/sockets.rs"]
pub mod sockets;
impl std::fmt::Display for wasi::io::error::Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_debug_string())
    }
}
impl std::error::Error for wasi::io::error::Error {}
END
library --edition 2024 --crate-name test_programs "$work/test_programs.rs" --extern wit_bindgen="$work/libwit_bindgen.rlib" --cfg 'feature="std"'

for program in "$wasmtime"/bin/p2_tcp_*.rs "$wasmtime"/bin/p2_udp_*.rs "$wasmtime/bin/p2_ip_name_lookup.rs" "$wasmtime"/bin/p2_*pollable_*.rs; do
  name=$(basename "$program" .rs)
  $compile -C linker=wasm-ld -C panic=abort -C strip=debuginfo -C link-arg="$guest/rt/libwit_bindgen_cabi_realloc.a" --edition 2024 \
    --extern test_programs="$work/libtest_programs.rlib" "$program" -o "$work/$name.core.wasm"
  ${JCO:-npx --yes @bytecodealliance/jco} new "$work/$name.core.wasm" --wasi-command -o "$work/$name.wasm"
done
node "$here/run.js" "$work"
