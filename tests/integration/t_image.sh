#!/usr/bin/env bash
# The container image: what `make image-root` lays out is entered as a strict runtime enters it, and what `make oci` packs is
# an image, with the same bytes wherever it is made. limit: 200
source "$(dirname "$0")/lib.sh"

name=profile-migrate
image=$TOP/gen/image.sh

# make_image FOLDER [VARIABLE=VALUE]…: `make oci` into FOLDER, with the tools that are there.
make_image() {
    run make --no-print-directory -C "$TOP" SAN= MIGRATIONS="$TOP/migrations" BUILD="$1" NAME=$name TOOLS="$STATIC_BUILD" "${@:2}" oci
}

# contents DIR: each name in it with kind, mode, time and size.
contents() { (cd "$1" && find . -mindepth 1 -printf "%P %y %m %T@ %s\n" | sed "s/\( d [0-7]* [0-9.]*\) .*/\1/" | sort); }

it "holds the executable and the authorities to trust, and nothing else"
make_image "$T/build"
expect_exit 0
ROOT=$T/build/image-root
expect_equal "$(cd "$ROOT" && find . -type f | sort | tr '\n' ' ')" "./etc/ssl/certs/ca-certificates.crt ./$name "
expect_equal "$(find "$ROOT" ! -type f ! -type d)" ""
expect_equal "$(find "$ROOT" ! -newermt @1 ! -newermt @-1 | wc -l)" 0
expect_equal "$(find "$ROOT" -newermt @0 | wc -l)" 0
expect_equal "$(stat -c '%a %n' "$ROOT" "$ROOT/$name" "$ROOT/etc/ssl/certs/ca-certificates.crt" | sed "s: $ROOT: :" | tr '\n' ' ')" \
    "755  755 /$name 644 /etc/ssl/certs/ca-certificates.crt "
expect cmp "$ROOT/$name" "build/$name"
expect cmp "$ROOT/etc/ssl/certs/ca-certificates.crt" /etc/ssl/certs/ca-certificates.crt

it "is an OCI image, every digest and size of which is right"
run python3 "$TOP/tests/integration/oci_layout.py" "build/oci/$name.tar" layer
expect_exit 0
version=$(sed -n 's/^VERSION := //p' "$TOP/Makefile")
expect_stdout_is "tag $version
platform linux $(dpkg --print-architecture)
created 1970-01-01T00:00:00Z
Entrypoint [\"/$name\"]
User 65532:65532
WorkingDir /
org.opencontainers.image.description Migrates databases; one static executable
org.opencontainers.image.title $name
org.opencontainers.image.version $version"

it "has the image's root as its layer, and nothing else"
expect_equal "$(contents layer)" "$(contents "$ROOT")"
expect diff -r layer "$ROOT"

it "is what umoci takes for an image"
mkdir layout
tar -xf "build/oci/$name.tar" -C layout
run umoci list --layout layout
expect_stdout_is "$version"
run umoci unpack --rootless --image "layout:$version" bundle
expect_exit 0
expect diff -r bundle/rootfs "$ROOT"
# No process.cwd of a folder that is not there, no user by name.
run umoci raw runtime-config --rootless --image "layout:$version" config.json
expect_exit 0
expect_equal "$(python3 -c 'import json; p = json.load(open("config.json"))["process"]
print(p["user"]["uid"], p["user"]["gid"], p["cwd"], *p["args"])')" "65532 65532 / /$name"

by_size() { find layout/blobs/sha256 -type f -printf "%s %f\n" | sort -n | sed "s/.* //"; }
it "would be found out if a byte of it were another"
for file in index.json "blobs/sha256/$(by_size | tail -n 1)" "blobs/sha256/$(by_size | head -n 1)"; do
    rm -rf spoilt
    cp -r layout spoilt
    sed -i '$ s/.$/ /' "spoilt/$file"
    (cd spoilt && find . -mindepth 1 -printf '%P\n' | sort |
        tar --no-recursion -T - --format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 -cf ../spoilt.tar)
    run python3 "$TOP/tests/integration/oci_layout.py" spoilt.tar spoilt.layer
    expect_not equal "$STATUS" 0
done

it "has the same bytes in another folder, with other modes, times and a stranger's file beside it"
mkdir -p another/deeper/folder/image-root
echo "left behind" >another/deeper/folder/image-root/stranger
(umask 077 && make_image "$T/another/deeper/folder")
expect cmp "build/oci/$name.tar" "another/deeper/folder/oci/$name.tar"
expect_equal "$(contents another/deeper/folder/image-root)" "$(contents "$ROOT")"

it "takes its version, its time and its authorities from whoever makes it"
echo "an authority" >authority.pem
CA_BUNDLE=$T/authority.pem run "$image" root "build/$name" other
expect_exit 0
expect cmp other/etc/ssl/certs/ca-certificates.crt authority.pem
SOURCE_DATE_EPOCH=86400 run "$image" oci other other.tar $name 7.1-rc1
expect_exit 0
mkdir other.layout
tar -xf other.tar -C other.layout
expect grep -qF '"org.opencontainers.image.ref.name":"7.1-rc1"' other.layout/index.json
expect grep -qrF '"created":"1970-01-02T00:00:00Z"' other.layout/blobs
expect_equal "$(tar -tvf other.tar index.json | grep -o '1970-01-02')" 1970-01-02

it "refuses what would not run, and names that no registry takes"
run "$image" root /bin/true refused
expect_exit 2
expect_stderr_is "image.sh: /bin/true wants shared libraries, and the image would have none"
run "$image" root "$image" refused
expect_exit 2
expect_stderr_is "image.sh: $image is no executable for amd64 or arm64"
CA_BUNDLE=/nowhere run "$image" root "build/$name" refused
expect_exit 2
expect_stderr_is "image.sh: there is no /nowhere; make deps installs ca-certificates, which makes it"
expect_not test -e refused
run "$image" oci other refused.tar Profile 1
expect_exit 2
expect_stderr_is "image.sh: Profile cannot be an image's name: small letters, digits, single . _ -"
run "$image" oci other refused.tar $name '1"2'
expect_exit 2
expect_stderr_is 'image.sh: 1"2 cannot be an image'"'s tag"
run "$image" oci other refused.tar absent 1
expect_exit 2
expect_stderr_is "image.sh: other/absent is not there; make image-root puts it there"
run "$image" root
expect_exit 2
expect_stderr_contains "usage: image.sh root"
expect_not test -e refused.tar

# ------------------------------------------------------------------------------------------------------- in a container

start_postgres --scram --tls
new_database shared acme globex

# The places that a runtime makes before it mounts something over them.
cp -a "$ROOT" entered
mkdir -p entered/data entered/run/secrets data secrets
touch entered/etc/hosts entered/etc/resolv.conf
echo "127.0.0.1 localhost db.test other.test" >hosts
printf '%s\n' "nameserver 127.0.0.1" "search example test" "options ndots:5 timeout:1 attempts:1" >resolv.conf
chmod 777 data
# A company's own authorities, over those of the image.
cp "$PG_CA" authorities.crt

MOUNTS=(--mount "$T/hosts:/etc/hosts" --mount "$T/resolv.conf:/etc/resolv.conf" --mount "$T/secrets:/run/secrets"
    --mount "$T/data:/data")
AUTHORITIES=(--mount "$T/authorities.crt:/etc/ssl/certs/ca-certificates.crt")
ADDRESSES=(SHARED_DATABASE_URL_FILE=/run/secrets/shared-url TENANT_DATABASE_URL_FILE=/run/secrets/tenant-url)

# container WORD…: the image's entry point with these words, in the environment of ADDRESSES alone.
container() {
    "${OWN_MOUNTS[@]}" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${ADDRESSES[@]}" \
        python3 "$TOP/tests/integration/container.py" "$T/entered" "${MOUNTS[@]}" "${AUTHORITIES[@]}" "${PID_FILE[@]}" -- "/$name" "$@"
}
PID_FILE=()

# addresses SHARED TENANT: as a mounted secret.
addresses() {
    echo "$1" >secrets/shared-url
    echo "$2" >secrets/tenant-url
}
url() { echo "postgresql+asyncpg://$PG_USER:$PG_PASSWORD@db.test:$PG_PORT/$1?sslmode=verify-full"; }
addresses "$(url shared)" "$(url '{tenant_id}')"

it "keeps its promise of a container: read-only, nobody, process 1, no capabilities"
cat >look.c <<'C'
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    printf("%d %d %d %s\n", getpid(), getuid(), getgid(), open("/x", O_CREAT | O_WRONLY, 0600) < 0 ? strerror(errno) : "written");
    printf("%s\n", open("/data/x", O_CREAT | O_WRONLY, 0600) < 0 ? strerror(errno) : "written");
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNewPrivs", 10))
            fputs(line, stdout);
    return 0;
}
C
"${CC:-gcc}" -static -o look look.c
mkdir -p looked/proc looked/data
cp look looked/
run "${OWN_MOUNTS[@]}" python3 "$TOP/tests/integration/container.py" "$T/looked" --mount /proc:/proc --mount "$T/data:/data" -- /look
expect_exit 0
expect_equal "$(sed 's/\t/ /' out)" "1 65532 65532 Read-only file system
written
CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000
CapBnd: 0000000000000000
CapAmb: 0000000000000000
NoNewPrivs: 1"

it "tells its version"
run container version
expect_exit 0
expect_stdout_contains "$name $version"
expect_stderr_is ""

it "brings the registry to head over TLS, with the server checked against the image's bundle"
run container shared head
expect_exit 0
expect_stderr_lacks warning
expect_equal "$(pg_sql shared 'SELECT count(*) FROM tenants')" 0

it "brings the tenants to head, and finds nothing to do when it is asked for all"
for tenant in acme globex; do
    pg_sql shared "INSERT INTO tenants (tenant_id, name) VALUES ('$tenant', '$tenant')"
done
run container tenant head
expect_exit 0
expect_equal "$(pg_sql globex 'SELECT count(*) FROM profiles')" 0
run container tenant head --json
expect_exit 0
expect_equal "$(tail -n 1 out | python3 -c 'import json, sys; print(json.load(sys.stdin)["changed"])')" 0
run container all head
expect_exit 0
run container all check
expect_exit 0

it "does not trust a server whose authority is not in the bundle, or whose name is another"
AUTHORITIES=()
run container shared check
expect_exit 1
expect_stderr_contains "certificate verify failed"
expect_stderr_lacks "$PG_PASSWORD"
AUTHORITIES=(--mount "$T/authorities.crt:/etc/ssl/certs/ca-certificates.crt")
addresses "$(url shared | sed 's/@db.test/@other.test/')" ""
run container shared check
expect_exit 1
expect_stderr_contains "does not match host name \"other.test\""

it "asks the name server, with what the runtime's resolv.conf says"
addresses "postgresql://$PG_USER@db:5432/shared?sslmode=disable" "postgresql://$PG_USER@db:5432/{tenant_id}?sslmode=disable"
own_network() (
    OWN_MOUNTS+=(--net python3 "$TOP/tests/integration/name_server.py" 5432 "$PG_HOME/.s.PGSQL.$PG_PORT")
    container "$@"
)
run own_network all check
expect_exit 0
addresses "postgresql://$PG_USER@nowhere:5432/shared?sslmode=disable" ""
run own_network shared check
expect_not equal "$STATUS" 0
expect_stderr_contains "nowhere"

it "works on SQLite files of a volume, and writes nowhere else"
addresses "sqlite:////data/registry.db" "sqlite:////data/{tenant_id}.db"
run container all head --no-tenants ok
expect_exit 0
sqlite_sql data/registry.db "INSERT INTO tenants (tenant_id, name) VALUES ('acme', 'acme'), ('globex', 'globex')"
run container all head
expect_exit 0
expect_stderr_lacks warning
expect_equal "$(sqlite_sql data/acme.db 'SELECT count(*) FROM profiles')" 0
run container all check
expect_exit 0

it "says so where the volume is missing"
addresses "sqlite:////nowhere/registry.db" ""
run container shared head
expect_not equal "$STATUS" 0
expect_stderr_contains "/nowhere"
addresses "sqlite:////registry.db" ""
run container shared head
expect_not equal "$STATUS" 0
expect_stderr_contains "/registry.db"

it "ends with the exit codes that manifests rely on"
addresses "$(url shared)" "$(url '{tenant_id}')"
pg_sql shared "INSERT INTO tenants (tenant_id, name) VALUES ('absent', 'absent')"
run container tenant head
expect_exit 1
expect_stderr_contains absent
run container tenant sideways
expect_exit 2
new_database fresh
addresses "$(url fresh)" ""
run container shared check
expect_exit 3
addresses "$(url shared | sed "s/:$PG_PORT/:1/")" ""
run container shared head
expect_exit 4
pg_sql fresh "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('ffffffffffff')"
addresses "$(url fresh)" ""
run container shared head
expect_exit 5
: >secrets/shared-url
run container shared head
expect_exit 2

it "stops as process 1 when the runtime says SIGTERM: what runs is rolled back after the grace, and 143 is its code"
pg_sql postgres "DROP DATABASE fresh"
new_database fresh
addresses "$(url fresh)" ""
run container shared ensure-version
expect_exit 0
# Somebody who reads holds nobody up; our LOCK TABLE waits for this one.
"$PG_BIN/psql" -X -q -h "$PG_HOME" -p "$PG_PORT" -U "$PG_USER" -d fresh \
    -c "BEGIN; LOCK TABLE alembic_version IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(60)" >/dev/null 2>&1 &
waiting() { [[ $(pg_sql fresh "SELECT count(*) FROM pg_locks WHERE NOT granted") != 0 ]]; }
locked() { [[ $(pg_sql fresh "SELECT count(*) FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND granted") != 0 ]]; }
expect eventually 20 locked
PID_FILE=(--pid "$T/pid")
container shared head --grace 2s --lock-timeout 60s >stopped.out 2>stopped.err &
stopped=$!
expect eventually 20 waiting
began=$SECONDS
"${AS_ROOT[@]}" kill -TERM "$(cat pid)"
STATUS=0
wait $stopped || STATUS=$?
expect_equal "$STATUS" 143
expect test $((SECONDS - began)) -ge 1
expect test $((SECONDS - began)) -le 15
expect_equal "$(pg_sql fresh 'SELECT count(*) FROM alembic_version')" 0
expect_equal "$(pg_sql fresh "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$name'")" 0
expect_not grep -qF "$PG_PASSWORD" stopped.out stopped.err
PID_FILE=()

it "leaves the image as it was"
rm -r entered/data entered/run entered/etc/hosts entered/etc/resolv.conf
expect diff -r entered "$ROOT"
