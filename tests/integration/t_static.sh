#!/usr/bin/env bash
# The deployed executable: it runs in a folder that holds nothing else, and lets nothing of an image reach into it.
source "$(dirname "$0")/lib.sh"

executable=$STATIC_BUILD/${NAME:-profile-migrate}
name=${executable##*/}

# An image from scratch: the executable, the file of names that a container runtime mounts, an authority to trust.
start_postgres --scram --tls
new_database shared acme globex
mkdir -p image/etc image/data
cp "$executable" image/
cp "$PG_CA" image/ca.crt
echo "127.0.0.1 localhost db.test" >image/etc/hosts
url() { echo "postgresql+asyncpg://$PG_USER:$PG_PASSWORD@db.test:$PG_PORT/$1?sslmode=verify-full&sslrootcert=/ca.crt"; }

# deployed ARGUMENT…: as a container runtime starts it; $shared_url stands in for the usual address.
deployed() {
    (
        export SHARED_DATABASE_URL
        SHARED_DATABASE_URL=${shared_url:-$(url shared)}
        in_empty_root image "/$name" "$@"
    )
}

it "brings the shared database to head over TLS, with SCRAM and a verified certificate, from an empty root"
run deployed shared head
expect_exit 0
expect_equal "$(pg_sql shared 'SELECT count(*) FROM tenants')" 0
expect_equal "$(pg_sql shared 'SELECT count(*) > 0 FROM alembic_version')" t

it "does the same for tenants"
for tenant in acme globex; do
    pg_sql shared "INSERT INTO tenants (tenant_id, name, database_url) VALUES ('$tenant', '$tenant', '$(url "$tenant")')"
done
run deployed tenant head
expect_exit 0
expect_equal "$(pg_sql globex 'SELECT count(*) FROM profiles')" 0

it "refuses a server whose certificate is for another name"
echo "127.0.0.1 localhost db.test other.test" >image/etc/hosts
shared_url=$(url shared | sed 's/@db.test/@other.test/') run deployed shared head
expect_exit 1
expect_stderr_contains "does not match host name \"other.test\""
expect_stderr_lacks "$PG_PASSWORD"

it "needs no names for an address"
echo >image/etc/hosts
shared_url=$(url shared | sed 's/@db.test/@127.0.0.1/; s/verify-full/verify-ca/') run deployed shared head
expect_exit 0
echo "127.0.0.1 localhost db.test" >image/etc/hosts

it "works on SQLite from an empty root"
shared_url=sqlite:////data/shared.db run deployed shared head
expect_exit 0
expect_equal "$(sqlite_sql image/data/shared.db 'SELECT count(*) FROM tenants')" 0

it "answers a demand for Kerberos with an error, not with a crash"
shared_url="$(url shared)&gssencmode=require&krbsrvname=other" run deployed shared head
expect test "$STATUS" -lt 128
expect_stderr_contains "GSSAPI"
expect_stderr_lacks "$PG_PASSWORD"

it "answers a service file that asks an LDAP server with an error, not with a crash"
printf '%s\n' "[main]" "ldap://127.0.0.1/dc=example?uniqueMember?one?(cn=shared)" >image/services
PGSERVICEFILE=/services PGSERVICE=main run deployed shared head
expect test "$STATUS" -lt 128
expect_stderr_contains "LDAP"

# A fat image, whose name service and OpenSSL are set up to load code of its own.
it "opens no module and no OpenSSL settings of the image"
mkdir -p image/usr/lib/ssl
printf '%s\n' "hosts: mymachines files dns" "passwd: systemd files" >image/etc/nsswitch.conf
echo "openssl_conf = nonsense" >image/usr/lib/ssl/openssl.cnf
run env SHARED_DATABASE_URL="$(url shared)" \
    "${AS_ROOT[@]}" strace -f -o calls.all -e trace=%file chroot image "/$name" shared current
# chroot itself opens things before it turns into our executable.
sed -n "/execve(\"\/$name\"/,\$p" calls.all >calls
expect_exit 0
expect grep -q '/etc/hosts' calls
expect_not grep -E 'libnss|openssl\.cnf|\.so' calls
