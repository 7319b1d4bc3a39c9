#!/bin/sh
# Builds what the packages hold, NAME... being the checks: one program for all of them, fully static (musl, OpenSSL linked in) and
# position-independent, under each name in target/vendored/release. Nothing of the machine that builds it is in it.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
target=x86_64-unknown-linux-musl

# Whether it can be built here, for who would rather skip it; says what is missing.
if [ "${1:-}" = --check ]; then
    [ "$(uname -m)" = x86_64 ] || { echo "packages are made for x86_64 alone"; exit 1; }
    command -v musl-gcc >/dev/null || { echo "musl-gcc is not installed"; exit 1; }
    [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || command -v rustup >/dev/null ||
        { echo "the toolchain has no standard library for $target, and there is no rustup to install it"; exit 1; }
    exit 0
fi

if ! command -v musl-gcc >/dev/null; then
    echo "musl-gcc is missing: install musl-tools (Debian) or musl-gcc (Fedora)" >&2
    exit 1
fi
if ! [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    echo "Installing: the standard library for $target (rustup)"
    rustup --quiet target add $target
fi

# packaging/lld is the toolchain's own rust-lld, the same everywhere. Relocations are packed: 26 000 of OpenSSL's tables in a few KiB.
# Names as v0 has them tell the instances of a generic function apart, for packaging/order.
RUSTFLAGS="-C link-arg=--pack-dyn-relocs=relr -C symbol-mangling-version=v0 --remap-path-prefix=$PWD=."
$cargo fetch --locked --quiet
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$registry=/crates"
done
# gcc writes the time of the build where a source asks for it (mimalloc does), unless it is told another.
export SOURCE_DATE_EPOCH=0
export RUSTFLAGS OPENSSL_SRC_PERL="$PWD/packaging/openssl-perl" CC_x86_64_unknown_linux_musl=musl-gcc
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER="$PWD/packaging/lld" NAMED_PROGRAM="$PWD/target/vendored/named"
# mimalloc keeps tables for the whole of what it reserves: 160 KiB are touched for its 1 GiB, of 64 MiB (the least) 10.
export CFLAGS_x86_64_unknown_linux_musl=-DMI_DEFAULT_ARENA_RESERVE=65536L
$cargo build --locked --release --features vendored-openssl --target-dir target/vendored --target $target -p check_smtp_all

mkdir -p target/vendored/release
# Written, as a package manager does: what a linker wrote through a mapping lies in the page cache in small pieces, which cost more to map.
rm -f target/vendored/release/check_smtp_all
cp target/vendored/$target/release/check_smtp_all target/vendored/release/check_smtp_all
for name in "$@"; do
    ln -f target/vendored/release/check_smtp_all "target/vendored/release/$name"
    "target/vendored/release/$name" -V | grep "^$name .*linked in"
done
