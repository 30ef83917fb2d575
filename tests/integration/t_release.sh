#!/usr/bin/env bash
# What is handed over: a folder that tells what is in the executable, and that anybody can build again, byte for byte, without
# a network. One build of the whole tree is made for that. limit: 900
source "$(dirname "$0")/lib.sh"

# A sanitizer's build is no release.
SAN=""
NAME=${NAME:-profile-migrate}
RELEASE=$STATIC_BUILD/release

# Another user, without a network. Who is not root becomes nobody in a namespace of users; where those are forbidden,
# root makes it so.
if [[ $(id -u) == 0 ]]; then
    OTHER=(unshare --net setpriv --reuid=65534 --regid=65534 --clear-groups)
elif unshare --user --map-user=65534 --map-group=65534 --net true 2>/dev/null; then
    OTHER=(unshare --user --map-user=65534 --map-group=65534 --net)
else
    OTHER=(sudo -n unshare --net setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
as_other() { "${OTHER[@]}" -- env HOME=/nonexistent "$@"; }

it "makes a release"
run make_here release
expect_exit 0
expect_equal "$(cd "$RELEASE" && find . -type f -printf '%P\n' | sort | tr '\n' ' ')" \
    "SHA256SUMS completions/_$NAME completions/$NAME completions/$NAME.fish man/$NAME.1 $NAME $NAME.cdx.json $NAME.debug $NAME.revisions $NAME.version.json "

it "holds the executable stripped, and its debug information beside it"
expect cmp "$RELEASE/$NAME" "$STATIC_BUILD/$NAME"
expect_equal "$(readelf -SW "$RELEASE/$NAME" | grep -c '\.debug_info\|\.symtab' || true)" 0
expect_equal "$(readelf -p .gnu_debuglink "$RELEASE/$NAME" | grep -c " $NAME\.debug")" 1
expect_equal "$(readelf -n "$RELEASE/$NAME" | grep 'Build ID')" "$(readelf -n "$RELEASE/$NAME.debug" | grep 'Build ID')"
expect grep -q debug_info <(readelf -SW "$RELEASE/$NAME.debug")

it "sums up all of it"
run bash -c 'cd "$1" && sha256sum -c --strict SHA256SUMS' bash "$RELEASE"
expect_exit 0
expect_equal "$(cut -c 67- "$RELEASE/SHA256SUMS" | sort)" \
    "$(cd "$RELEASE" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort)"

it "lists what the executable carries, so that an export of it can be checked"
"$RELEASE/$NAME" export exported >/dev/null
run bash -c 'cd exported && sha256sum -c --strict "$1"' bash "$RELEASE/$NAME.revisions"
expect_exit 0
expect_equal "$(wc -l <"$RELEASE/$NAME.revisions")" "$(find exported -type f | wc -l)"
expect_equal "$("$RELEASE/$NAME" version --json)" "$(cat "$RELEASE/$NAME.version.json")"

it "has manual and completions"
expect grep -q '^\.TH' "$RELEASE/man/$NAME.1"
expect bash -n "$RELEASE/completions/$NAME"
expect grep -q "^#compdef $NAME" "$RELEASE/completions/_$NAME"
expect grep -q "^complete -c $NAME" "$RELEASE/completions/$NAME.fish"

# ---------------------------------------------------------------------------------------------- the bill of materials

it "carries its bill of materials inside"
"$RELEASE/$NAME" version --sbom >inside
expect cmp inside "$RELEASE/$NAME.cdx.json"
"$RELEASE/$NAME" version --sbom --json | expect cmp - inside
expect_equal "$(wc -l <inside)" 1

it "is CycloneDX 1.5, of one executable and of what is in it"
expect python3 - inside "$NAME" <<'PY'
import hashlib, json, re, sys
text = open(sys.argv[1]).read()
bom = json.loads(text)
assert set(bom) == {"bomFormat", "specVersion", "serialNumber", "version", "metadata", "components", "dependencies"}, set(bom)
assert (bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.5", 1)
assert re.fullmatch("urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", bom["serialNumber"])
assert "timestamp" not in bom["metadata"]
top = bom["metadata"]["component"]
assert (top["type"], top["name"]) == ("application", sys.argv[2])
refs = [c["bom-ref"] for c in bom["components"]]
assert len(refs) == len(set(refs))
assert bom["dependencies"] == [{"ref": top["bom-ref"], "dependsOn": refs}]
for c in bom["components"]:
    assert c["type"] in ("library", "file") and c["name"], c
    for l in c.get("licenses", []):
        assert set(l) == {"license"} and set(l["license"]) in ({"id"}, {"name"}), l
# The serial number is the content's.
body = re.sub(r'^\{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":"[^"]*",', "", text.rstrip("\n"))[:-1]
want = hashlib.sha256(body.encode()).hexdigest()
got = bom["serialNumber"].removeprefix("urn:uuid:").replace("-", "")
assert got[:12] == want[:12] and got[13:16] == want[13:16] and got[20:] == want[20:32], (got, want)
PY

# What the linker read is asked of the linker itself, in a link of our own.
new_stream project main <<'INI'
[stream]
dialects = sqlite
url = ${DATABASE_URL}
INI
table_revision project main aaaa1 ""
build_project project demo MIGRATE_GEN="$STATIC_BUILD/migrate-gen" MIGRATE_LIB="$STATIC_BUILD" >/dev/null

it "names every package that the linker read, and no other"
gen=project/build/gen
gcc -static-pie -Wl,--dependency-file="$T/link.d",--gc-sections -o linked @"$gen/objects" "$gen/linked-sbom.o" \
    "$gen/linked-libraries.o" -lpthread -ldl -lm 2>/dev/null
sed -n 's/:$//p' link.d "$gen/linked-libraries.o.d" | grep -v "^project/\|^$STATIC_BUILD/\|^$T/" | xargs realpath | sort -u >files
expect test "$(wc -l <files)" -gt 15
xargs dpkg-query -S <files | sed 's/[:,].*//' | sort -u >packages
project/build/demo version --sbom >demo.json
run python3 -c '
import json
for c in json.load(open("demo.json"))["components"]:
    if "purl" in c: print(c["name"])'
expect_equal "$OUT" "$(cat packages)"
for package in libpq-dev libssl-dev libsqlite3-dev libjansson-dev libc6-dev postgresql-server-dev-15; do
    expect grep -qx "$package" packages
done
expect_equal "$(grep -c '^libgcc-.*-dev$' packages)" 1

it "names their versions as Debian does, in a purl, with their source, their files and what their licence is"
run python3 - demo.json <<'PY'
import hashlib, json, subprocess, sys, urllib.parse
from pathlib import Path
release = dict(l.split("=", 1) for l in Path("/etc/os-release").read_text().splitlines() if "=" in l)
files = {Path(p).name: p for p in Path("files").read_text().split()}
for c in json.load(open(sys.argv[1]))["components"]:
    if "purl" not in c:
        continue
    version, arch, source = subprocess.run(["dpkg-query", "-W", "-f", "${Version}\n${Architecture}\n${source:Package} ${source:Version}", c["name"]],
                                           capture_output=True, text=True, check=True).stdout.split("\n")
    assert c["version"] == version, c
    purl = f"pkg:deb/debian/{c['name']}@{urllib.parse.quote(version, safe=':~')}?arch={arch}&distro={release['VERSION_CODENAME']}"
    assert c["purl"] == c["bom-ref"] == purl, (c["purl"], purl)
    properties = [(p["name"], p["value"]) for p in c["properties"]]
    assert properties[0] == ("debian:source", source), properties
    assert len(properties) > 1
    for name, value in properties[1:]:
        file, digest = value.split(" sha256:")
        assert name == "linked" and hashlib.sha256(Path(files[file]).read_bytes()).hexdigest() == digest, value
    print(c["name"], *[l["license"].get("id") or "name:" + l["license"]["name"] for l in c.get("licenses", [])])
PY
expect_exit 0
expect_stdout_contains "libssl-dev Apache-2.0"
expect_stdout_contains "libpq-dev PostgreSQL"
expect_stdout_contains "libjansson-dev MIT"
expect_stdout_contains "libsqlite3-dev name:public-domain"

it "names a library of nobody's by its checksum"
mkdir ours
cp "$(gcc -print-file-name=libjansson.a)" ours/libjansson.a
touch -d 2001-01-01 ours/libjansson.a
mapfile -t own < <(printf '%s\n' MIGRATE_GEN="$STATIC_BUILD/migrate-gen" MIGRATE_LIB="$STATIC_BUILD" CC="gcc -L$T/ours")
run build_project project demo "${own[@]}"
expect_exit 0
sum=$(sha256sum <ours/libjansson.a)
run project/build/demo version --sbom
expect_stdout_contains "{\"type\":\"file\",\"bom-ref\":\"sha256:${sum%% *}\",\"name\":\"libjansson.a\",\"hashes\":[{\"alg\":\"SHA-256\",\"content\":\"${sum%% *}\"}]}"
expect_stdout_lacks libjansson-dev
expect_stdout_lacks "$T"

it "notices a library that a package brought, though it is older than what was built"
gcc -c -x c -o ours/more.o - <<<"const char our_own_change[] = \"\";"
ar rD ours/libjansson.a ours/more.o
touch -d 2002-02-02 ours/libjansson.a
before=$sum
run build_project project demo "${own[@]}"
expect_exit 0
sum=$(sha256sum <ours/libjansson.a)
expect_not equal "$sum" "$before"
run project/build/demo version --sbom
expect_stdout_contains "sha256:${sum%% *}"

it "makes no bill anew for a revision"
before=$(stat -c %y.%i project/build/gen/linked-*)
table_revision project main aaaa2 aaaa1
run build_project project demo "${own[@]}"
expect_exit 0
expect_stdout_contains LINK
expect_stdout_lacks SBOM
expect_equal "$(stat -c %y.%i project/build/gen/linked-*)" "$before"

it "takes another name into it"
run build_project project other "${own[@]}"
expect_exit 0
run project/build/other version --sbom
expect_stdout_contains '"type":"application","bom-ref":"executable","name":"other"'

it "makes no release of a build with sanitizers"
run build_project project demo "${own[@]}" SAN=address release
expect_exit 2
expect_stderr_contains "a build with sanitizers is no release"

# ------------------------------------------------------------------------------------------------------ the signature

# The commands of the page, as they stand there, in a folder like the one they speak of.
page_commands() { sed -n "/^## $1/,/^## /s/^    //p" "$TOP/docs/release.md"; }
mkdir -p signing/build
cp -r "$RELEASE" signing/build/release

it "is signed and checked as its page says"
page_commands "Signing" >sign
page_commands "Checking" >check
expect grep -q 'pkeyutl -sign' sign
expect grep -q 'pkeyutl -verify' check
run bash -euo pipefail -c 'cd signing && source ../sign'
expect_exit 0
check() { run bash -euo pipefail -c 'cd signing && source ../check'; }
check
expect_exit 0
expect_stdout_contains "Signature Verified Successfully"

it "fails the check when a file was changed"
printf x >>"signing/build/release/$NAME.cdx.json"
check
expect_not equal "$STATUS" 0
expect_stdout_contains "$NAME.cdx.json: FAILED"

it "fails the check when the sums were changed with it"
(cd signing/build/release && grep -v cdx SHA256SUMS >sums && sha256sum "$NAME.cdx.json" >>sums && mv sums SHA256SUMS)
check
expect_not equal "$STATUS" 0
expect_stdout_contains "Signature Verification Failure"

it "fails the check with another's key"
cp -r "$RELEASE"/. signing/build/release/
check
expect_exit 0
openssl genpkey -algorithm ed25519 -out other.pem
find signing -name '*.pub.pem' -exec openssl pkey -in other.pem -pubout -out {} \;
check
expect_not equal "$STATUS" 0

# ------------------------------------------------------------------------------- another folder, another user, no network

it "is the same folder, byte for byte, built from another folder by another user without a network"
# The tree as the builder image's first stage copies it (docs/deploy/Dockerfile.builder).
elsewhere=$T/elsewhere
mkdir "$elsewhere"
awk '/^COPY [^-]/ {print $2, $3}' "$TOP/docs/deploy/Dockerfile.builder" >copied
while read -r from to; do cp -r "$TOP/$from" "$elsewhere/$to"; done <copied
find "$elsewhere" -exec touch -d 2003-03-03 {} +
[[ $(id -u) != 0 ]] || chown -R 65534:65534 "$elsewhere"
[[ ${OTHER[0]} != sudo ]] || sudo -n chown -R 65534:65534 "$elsewhere"
run as_other bash -c 'ip -o link show up; id -u'
expect_stdout_is 65534
run as_other make --no-print-directory -C "$elsewhere" NAME="$NAME" release
expect_exit 0
run diff -r "$RELEASE" "$elsewhere/build/release"
expect_exit 0
expect_equal "$OUT" ""
attributes() { (cd "$1" && find . -printf '%P %m %s %T@\n' | grep -v '^ ' | sort); }
expect_equal "$(attributes "$elsewhere/build/release")" "$(attributes "$RELEASE")"

it "can be installed from there"
run as_other make --no-print-directory -C "$elsewhere" NAME="$NAME" install DESTDIR="$elsewhere/staged" PREFIX=/usr/local
expect_exit 0
expect test -x "$elsewhere/staged/usr/local/bin/migrate-gen"
[[ ${OTHER[0]} != sudo ]] || sudo -n chown -R "$(id -u)" "$elsewhere"
