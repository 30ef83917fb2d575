#!/usr/bin/env bash
# The bill of materials of an executable, as CycloneDX 1.5 in one line of JSON.
#
#     sbom.sh NAME VERSION <FILES
#
# FILES are what the linker read of others, a path a line. Debian's package database says which package a file came with; one
# that no package brought is named itself. Nothing is written down that another build of the same input would not find: no
# time, no path, no random number. The serial number is made of the rest.
set -euo pipefail
export LC_ALL=C

name=$1 version=$2
declare -A owned=() # package: its files, each behind a newline
declare -a loose=() # files of no package
components=() references=()

# quote TEXT: as a JSON string.
quote() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# join ITEM…
join() {
    local IFS=,
    echo "$*"
}

sha256() {
    local sum
    sum=$(sha256sum <"$1")
    echo "${sum%% *}"
}

# owner FILE: the package that it came with. Packages still name files by the place from before /lib was a link.
owner() {
    local line path
    for path in "$1" "${1#/usr}"; do
        while IFS= read -r line; do
            [[ $line == 'diversion by '* || $line != *": $path" ]] || { line=${line%%[,:]*} && echo "$line" && return; }
        done < <(dpkg-query -S "$path" 2>/dev/null)
    done
}

# licence PACKAGE: what Debian's copyright file, where a machine can read it, says of the files that it says nothing else of.
licence() {
    awk 'NR == 1 && !/^Format:.*copyright-format/ {exit}
        /^Files: *\*([ \t]|$)/ {main = 1}
        /^[ \t]*$/ {main = 0}
        main && sub(/^License:[ \t]*/, "") && /./ {print; exit}' "/usr/share/doc/$1/copyright" 2>/dev/null || true
}

# licence_object SHORT-NAME: by its SPDX id, where Debian's name for it is known to mean that one.
licence_object() {
    local id=""
    case $1 in
    Expat) id=MIT ;;
    Apache-2.0 | PostgreSQL | ISC | Zlib | MIT) id=$1 ;;
    zlib) id=Zlib ;;
    BSD-[23]-[Cc]lause) id=${1%-*}-Clause ;;
    GPL-[123] | LGPL-2) id=$1.0-only ;;
    GPL-[123]+ | LGPL-2+) id=${1%+}.0-or-later ;;
    LGPL-2.1 | LGPL-3.0 | GPL-3.0) id=$1-only ;;
    LGPL-2.1+ | LGPL-3.0+ | GPL-3.0+) id=${1%+}-or-later ;;
    esac
    if [[ -n $id ]]; then echo "{\"license\":{\"id\":\"$id\"}}"; else echo "{\"license\":{\"name\":$(quote "$1")}}"; fi
}

add_component() { # REFERENCE JSON
    references+=("$(quote "$1")")
    components+=("$2")
}

add_package() {
    local package=$1 release architecture source short purl file extra="" properties=()
    read -r release architecture source < <(dpkg-query -W -f '${Version} ${Architecture} ${source:Package} ${source:Version}\n' "$package")
    purl="pkg:deb/$ID/$package@${release//+/%2B}?arch=$architecture&distro=$VERSION_CODENAME"
    properties=("{\"name\":\"debian:source\",\"value\":$(quote "$source")}")
    while IFS= read -r file; do
        properties+=("{\"name\":\"linked\",\"value\":$(quote "${file##*/} sha256:$(sha256 "$file")")}")
    done <<<"${owned[$package]#$'\n'}"
    short=$(licence "$package")
    [[ -z $short ]] || extra="\"licenses\":[$(licence_object "$short")],"
    add_component "$purl" "{\"type\":\"library\",\"bom-ref\":\"$purl\",\"name\":\"$package\",\"version\":\"$release\",$extra\"purl\":\"$purl\",\"properties\":[$(join "${properties[@]}")]}"
}

add_file() {
    local sum
    sum=$(sha256 "$1")
    add_component "sha256:$sum" "{\"type\":\"file\",\"bom-ref\":\"sha256:$sum\",\"name\":$(quote "${1##*/}"),\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"$sum\"}]}"
}

ID=linux VERSION_CODENAME=unknown
# shellcheck source=/dev/null
[[ ! -r /etc/os-release ]] || source /etc/os-release

while IFS= read -r file; do
    package=$(owner "$file")
    if [[ -n $package ]]; then owned[$package]+=$'\n'$file; else loose+=("$file"); fi
done < <(sort -u)

add_component libmigrate "{\"type\":\"library\",\"bom-ref\":\"libmigrate\",\"name\":\"libmigrate\",\"version\":$(quote "$version")}"
while IFS= read -r package; do
    [[ -z $package ]] || add_package "$package"
done < <(printf '%s\n' "${!owned[@]}" | sort)
# By their sums: where they lie is this machine's business.
while read -r _ file; do
    [[ -z $file ]] || add_file "$file"
done < <(for file in ${loose+"${loose[@]}"}; do echo "$(sha256 "$file") $file"; done | sort -u -k 1,1)

body="\"version\":1,\"metadata\":{\"component\":{\"type\":\"application\",\"bom-ref\":\"executable\",\"name\":$(quote "$name"),\"version\":$(quote "$version")}},\"components\":[$(join "${components[@]}")],\"dependencies\":[{\"ref\":\"executable\",\"dependsOn\":[$(join "${references[@]}")]}]"
# A UUID of version 8, whose bits are whoever's makes it.
sum=$(printf '%s' "$body" | sha256sum)
serial="${sum:0:8}-${sum:8:4}-8${sum:13:3}-a${sum:17:3}-${sum:20:12}"
printf '{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":"urn:uuid:%s",%s}\n' "$serial" "$body"
