#!/usr/bin/env bash
# What is handed over of a build, in a folder of its own. `make release` calls it:
#
#     release.sh EXECUTABLE DIR
#
# DIR becomes the executable and its debug information, and what the executable tells about itself: bill of materials,
# version, the files that it carries with their checksums, manual, completions; SHA256SUMS is of all of it. The same input
# gives the same bytes, modes and times (SOURCE_DATE_EPOCH, default 0), so that whoever builds it again can compare folders.
set -euo pipefail
export LC_ALL=C
umask 022

executable=$1 dir=$2 name=${1##*/}
fresh=$dir.new

# ask WORD…: the executable, without this machine's variables.
ask() { env -i "$executable" "$@"; }

rm -rf "$fresh"
mkdir -p "$fresh"/{man,completions}
install -m 755 "$executable" "$fresh/$name"
install -m 644 "$executable.debug" "$fresh/$name.debug"
ask version --sbom >"$fresh/$name.cdx.json"
ask version --json >"$fresh/$name.version.json"
ask help --man >"$fresh/man/$name.1"
ask completion bash >"$fresh/completions/$name"
ask completion zsh >"$fresh/completions/_$name"
ask completion fish >"$fresh/completions/$name.fish"

# In the form that sha256sum -c reads, in a folder that `export` wrote.
ask export "$fresh/export" >"$fresh/export.log"
(cd "$fresh/export" && find . -type f -printf '%P\0' | sort -z | xargs -0r sha256sum) >"$fresh/$name.revisions"
rm -r "$fresh/export" "$fresh/export.log"

sums=$(cd "$fresh" && find . -type f -printf '%P\0' | sort -z | xargs -0 sha256sum)
echo "$sums" >"$fresh/SHA256SUMS"
find "$fresh" -exec touch -d "@${SOURCE_DATE_EPOCH:-0}" {} +
rm -rf "$dir"
mv "$fresh" "$dir"
