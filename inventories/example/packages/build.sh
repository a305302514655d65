#!/bin/sh
# Rebuilds the example packages: .msi files from their .wxs sources with wixl (Debian package `wixl`), .exe files from their
# .nsi sources with makensis (Debian package `nsis`).
#
# They are kept in the repository, because a rebuild of an .msi gives other bytes (times, package codes) and so another
# SHA-256: after a rebuild, put the sums that this prints into ../software.yml.
set -eu
cd "$(dirname "$0")"
for source in *.wxs; do
    wixl --arch x64 --output "${source%.wxs}.msi" "$source"
done
export SOURCE_DATE_EPOCH=1790000000
makensis -V2 -DVERSION=2.0.0 kestrel-viewer.nsi
makensis -V2 -DVERSION=2.1.0 kestrel-viewer.nsi
makensis -V2 -DVERSION=1.0.0 osprey-driver.nsi
sha256sum -- *.msi *.exe
