#!/bin/sh
# Rebuilds the example packages from their .wxs sources with wixl (Debian package `wixl`).
#
# The .msi files are kept in the repository, because a rebuild gives other bytes (times, package codes) and so another
# SHA-256: after a rebuild, put the sums that this prints into ../software.yml.
set -eu
cd "$(dirname "$0")"
for source in *.wxs; do
    wixl --arch x64 --output "${source%.wxs}.msi" "$source"
done
sha256sum -- *.msi
