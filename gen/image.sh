#!/usr/bin/env bash
# A container image of one executable, made without a container engine. `make image-root` and `make oci` call it:
#
#   gen/image.sh root EXECUTABLE DIR             DIR becomes the image's whole file system
#   gen/image.sh oci DIR TARBALL NAME VERSION    TARBALL becomes the image NAME:VERSION whose file system is DIR
#
# The file system holds the executable, and the authorities that sslmode=verify-full trusts where nobody names others.
# There is no /etc/passwd, since the user is a number and addresses name theirs; no /tmp, since nothing is written there;
# no /etc/hosts and /etc/resolv.conf, since every runtime mounts its own.
#
# The tarball is an OCI image layout (image-spec 1.0: oci-layout, index.json, blobs/sha256/…) with one layer; manifest.json
# besides is what `docker load` before version 25 looks for. The same input gives the same bytes: names are sorted, owners
# are 0, modes are fixed, times are SOURCE_DATE_EPOCH (default: 0).
set -euo pipefail
export LC_ALL=C
umask 022

: "${SOURCE_DATE_EPOCH:=0}"
: "${CA_BUNDLE:=/etc/ssl/certs/ca-certificates.crt}"
# Nobody's in Debian and in Kubernetes; a number, or runAsNonRoot could not be checked.
USER_ID=65532

refuse() {
    echo "image.sh: $*" >&2
    exit 2
}

# headers_of FILE: what readelf says of an ELF file.
headers_of() { readelf -hlW "$1" 2>/dev/null || true; }

# architecture_of FILE: as image-spec calls it, which is as Go does.
architecture_of() {
    case $(headers_of "$1" | sed -n 's/^ *Machine: *//p') in
    *X86-64) echo amd64 ;;
    AArch64) echo arm64 ;;
    *) refuse "$1 is no executable for amd64 or arm64" ;;
    esac
}

# pack DIR: all that is in DIR, as a tar archive on stdout. ustar has no place for what differs between two machines.
pack() {
    (cd "$1" && find . -mindepth 1 -printf '%P\0' | sort -z |
        tar --null --no-recursion --files-from=- --format=ustar --owner=0 --group=0 --numeric-owner \
            --mtime="@$SOURCE_DATE_EPOCH" --mode=u=rwX,go=rX --create --file=-)
}

make_root() {
    local executable=$1 root=$2
    architecture_of "$executable" >/dev/null
    # A sanitizer's build, for one.
    [[ $(headers_of "$executable") != *INTERP* ]] ||
        refuse "$executable wants shared libraries, and the image would have none"
    [[ -s $CA_BUNDLE ]] || refuse "there is no $CA_BUNDLE; make deps installs ca-certificates, which makes it"
    rm -rf "$root"
    install -d -m 755 "$root"
    install -m 755 "$executable" "$root/${executable##*/}"
    install -D -m 644 "$CA_BUNDLE" "$root/etc/ssl/certs/ca-certificates.crt"
    find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

# add_blob FILE: moves it to its place in the layout; $BLOB and $BLOB_SIZE describe it then.
add_blob() {
    BLOB=$(sha256sum <"$1") BLOB=${BLOB%% *}
    BLOB_SIZE=$(stat -c %s "$1")
    mv "$1" "$layout/blobs/sha256/$BLOB"
}

# descriptor MEDIA-TYPE [MORE]: of the blob last added.
descriptor() {
    printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s%s}' "$1" "$BLOB" "$BLOB_SIZE" "${2:-}"
}

make_oci() {
    local root=$1 tarball=$2 name=$3 version=$4
    local layout diff created labels architecture config layer manifest config_blob layer_blob
    # What a registry takes; and nothing that JSON would have to quote.
    [[ $name =~ ^[a-z0-9]+([._-]+[a-z0-9]+)*$ ]] || refuse "$name cannot be an image's name: small letters, digits, single . _ -"
    [[ $version =~ ^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$ ]] || refuse "$version cannot be an image's tag"
    [[ -x $root/$name ]] || refuse "$root/$name is not there; make image-root puts it there"
    architecture=$(architecture_of "$root/$name")
    created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
    labels=$(printf '"org.opencontainers.image.%s":"%s",' title "$name" version "$version")
    labels+='"org.opencontainers.image.description":"Migrates databases; one static executable"'

    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    layout=$work/layout
    mkdir -p "$layout/blobs/sha256"

    pack "$root" >"$work/layer"
    diff=$(sha256sum <"$work/layer")
    gzip -9 -n "$work/layer"
    add_blob "$work/layer.gz"
    layer=$(descriptor layer.v1.tar+gzip) layer_blob=$BLOB

    printf '{"created":"%s","architecture":"%s","os":"linux","config":{"User":"%s","Entrypoint":["/%s"],"WorkingDir":"/","Labels":{%s}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"%s","created_by":"make oci"}]}' \
        "$created" "$architecture" "$USER_ID:$USER_ID" "$name" "$labels" "${diff%% *}" "$created" >"$work/config"
    add_blob "$work/config"
    config=$(descriptor config.v1+json) config_blob=$BLOB

    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s],"annotations":{%s}}' \
        "$config" "$layer" "$labels" >"$work/manifest"
    add_blob "$work/manifest"
    manifest=$(descriptor manifest.v1+json \
        ",\"platform\":{\"architecture\":\"$architecture\",\"os\":\"linux\"},\"annotations\":{\"org.opencontainers.image.ref.name\":\"$version\"}")

    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$manifest" >"$layout/index.json"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
    printf '[{"Config":"blobs/sha256/%s","RepoTags":["%s:%s"],"Layers":["blobs/sha256/%s"]}]' \
        "$config_blob" "$name" "$version" "$layer_blob" >"$layout/manifest.json"

    mkdir -p "$(dirname "$tarball")"
    pack "$layout" >"$tarball.new"
    mv "$tarball.new" "$tarball"
}

case ${1:-}/$# in
root/3) make_root "$2" "$3" ;;
oci/5) make_oci "$2" "$3" "$4" "$5" ;;
*) refuse "usage: image.sh root EXECUTABLE DIR | image.sh oci DIR TARBALL NAME VERSION" ;;
esac
