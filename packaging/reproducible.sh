#!/bin/sh
# Builds the packages again from a fresh clone in another directory, and holds them against target/packages.
set -eu
cd "$(dirname "$0")/.."
if [ -n "$(git status --porcelain)" ]; then
    echo "Commit first: the second build is of the last commit." >&2
    exit 1
fi
clone=target/reproducible/elsewhere
rm -rf $clone
git clone --quiet . $clone
make --no-print-directory -C $clone packages
for package in target/packages/*.*; do
    cmp "$package" "$clone/$package"
    sha256sum "$package"
done
echo "Two clean builds in two directories: the same packages, byte for byte."
