#!/usr/bin/env bash
# The manifests of docs/deploy hold what they must, and what they run is run here: their own words, their own variables, on
# SQLite and on PostgreSQL. (The Indexed Job has t_deploy.sh.) limit: 240
source "$(dirname "$0")/lib.sh"

DEPLOY=$TOP/docs/deploy
MANIFESTS=("$DEPLOY"/kubernetes/*.yaml "$DEPLOY"/{compose.yaml,nomad.hcl,profile-migrate.service})
manifests() { python3 "$TOP/tests/integration/manifests.py" "$@"; }

# deployed FILE [--all] [VARIABLE=VALUE]…: what the engine runs, with the files that it mounts found in $T/mounted. $PATIENCE
# in place of its minute of --wait.
deployed() {
    local file=$1 all=() words variables i
    shift
    [[ ${1:-} != --all ]] || { all=(--all) && shift; }
    mapfile -t words < <(manifests words "$file" | sed "s/^60s$/${PATIENCE:-60s}/")
    mapfile -t variables < <(manifests variables "$file" "${all[@]}")
    for i in "${!variables[@]}"; do
        [[ ${variables[i]} != *_URL_FILE=* ]] || variables[i]=${variables[i]%%=*}=$T/mounted/${variables[i]##*/}
    done
    run env "${variables[@]}" "$@" "$MIGRATE" "${words[@]}"
}

# addresses SHARED TENANT
addresses() {
    mkdir -p mounted
    echo "$1" >mounted/shared-url
    echo "$2" >mounted/tenant-url
}

# fresh NAME: a registry of two tenants in SQLite files, and none of its revisions yet run for them.
fresh() {
    mkdir "$1"
    addresses "sqlite:///$T/$1/registry.db" "sqlite:///$T/$1/{tenant_id}.db"
    "$MIGRATE" shared head --quiet --url "sqlite:///$T/$1/registry.db"
    sqlite_sql "$1/registry.db" "INSERT INTO tenants (tenant_id, name) VALUES ('acme', 'acme'), ('globex', 'globex')"
}

it "has a file for each engine"
expect_equal "$(cd "$DEPLOY" && printf '%s\n' kubernetes/* | sort | tr '\n' ' ')" \
    "kubernetes/argocd-presync.yaml kubernetes/deployment.yaml kubernetes/helm-hook.yaml kubernetes/job.yaml "

for file in "${MANIFESTS[@]}"; do
    name=${file#"$DEPLOY"/}

    it "demands of $name what keeps it harmless, and what the exit codes mean"
    expect_equal "$(manifests problems "$file")" ""
    expect_not grep -qiE '://[^ ]*:[^ ]*@' "$file"

    it "takes registry and tenants to head as $name says"
    fresh "${name//\//-}"
    deployed "$file"
    expect_exit 0
    expect_stderr_lacks warning
    run env SHARED_DATABASE_URL_FILE="$T/mounted/shared-url" TENANT_DATABASE_URL_FILE="$T/mounted/tenant-url" "$MIGRATE" all check
    expect_exit 0
    deployed "$file"
    expect_exit 0

    it "ends $name with the codes that its engine is told of"
    : >mounted/shared-url
    deployed "$file"
    expect_exit 2
    addresses "postgresql://nobody@127.0.0.1:1/registry" "postgresql://nobody@127.0.0.1:1/{tenant_id}"
    PATIENCE=1s deployed "$file"
    expect_exit 4
    expect_stderr_lacks warning
done

# --------------------------------------------------------------------------------------- what each choice does, on PostgreSQL

start_postgres
new_database registry acme globex
addresses "$(pg_url registry)" "$(pg_url '{tenant_id}')"

it "does the same on PostgreSQL, tenants that sign up later included"
deployed "$DEPLOY/kubernetes/deployment.yaml"
expect_exit 0
pg_sql registry "INSERT INTO tenants (tenant_id, name) VALUES ('acme', 'acme'), ('globex', 'globex')"
for file in "${MANIFESTS[@]}"; do
    deployed "$file"
    expect_exit 0
    expect_stderr_lacks warning
done
expect_equal "$(pg_sql globex 'SELECT count(*) FROM profiles')" 0

# The sample has a lock report; a copy without is another executable with the same revisions.
it "refuses by locks where the commented lines are taken in: nothing that was measured harmless, everything without a report"
mkdir unmeasured
cp -r "$TOP/migrations" unmeasured/
rm unmeasured/migrations/*/locks.txt
build_project unmeasured profile-migrate
for tenant in initech hooli; do
    new_database $tenant
    pg_sql registry "INSERT INTO tenants (tenant_id, name) VALUES ('$tenant', '$tenant')"
done
for file in "$DEPLOY"/kubernetes/*.yaml; do
    expect_equal "$(manifests variables "$file" --all | grep REFUSE)" "PROFILE_MIGRATE_TENANT_REFUSE_LOCKS=rewrite,scan"
    MIGRATE=$T/unmeasured/build/profile-migrate deployed "$file" --all
    expect_exit 1
    expect_stderr_lacks warning
    expect_stderr_contains hooli
done
expect_equal "$(pg_sql initech "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'profiles'")" 0
deployed "$DEPLOY/kubernetes/job.yaml" --all
expect_exit 0
expect_equal "$(pg_sql initech 'SELECT count(*) FROM profiles')" 0

# Tenants that an executable with one revision more has migrated: that revision's row of the log names a known parent.
it "lets an older image pass newer databases where a manifest says allow, and ends with 5 where it says refuse"
mkdir newer
cp -r "$TOP/migrations" newer/
rm newer/migrations/*/{fingerprint.*,locks.txt}
head=$("$MIGRATE" tenant heads --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["heads"][0]["revision"])')
table_revision newer tenant aaaaaaaaaaaa "$head"
build_project newer profile-migrate
pg_sql registry "DELETE FROM tenants WHERE tenant_id = 'hooli'"
run env SHARED_DATABASE_URL="$(pg_url registry)" TENANT_DATABASE_URL="$(pg_url '{tenant_id}')" newer/build/profile-migrate tenant head
expect_exit 0
for file in "${MANIFESTS[@]}"; do
    deployed "$file"
    if manifests variables "$file" | grep -x PROFILE_MIGRATE_TENANT_ON_AHEAD=refuse >/dev/null; then expect_exit 5; else expect_exit 0; fi
done
# Both are shown.
expect_equal "$(for file in "${MANIFESTS[@]}"; do manifests variables "$file" | grep TENANT_ON_AHEAD; done | sort -u | wc -l)" 2

# ------------------------------------------------------------------------------------------------ what finds faults, finds

# spoilt FILE SED: the problems of FILE after that edit.
spoilt() {
    sed -E "$2" "$DEPLOY/$1" >"spoilt.${1##*.}"
    expect_not cmp -s "$DEPLOY/$1" "spoilt.${1##*.}"
    manifests problems "spoilt.${1##*.}"
}

it "would notice a manifest that has lost what it must hold"
expect_equal "$(spoilt kubernetes/job.yaml '/readOnlyRootFilesystem/d')" "migrate: readOnlyRootFilesystem is None, not True"
expect_equal "$(spoilt kubernetes/job.yaml 's/values: \[1, 2, 5\]/values: [1, 2]/')" "what stops it is [1, 2], not [1, 2, 5]"
expect_equal "$(spoilt kubernetes/job.yaml 's/(activeDeadlineSeconds:) .*/\1 3000/')" "the Job ends before its first attempt may"
expect_equal "$(spoilt kubernetes/helm-hook.yaml 's/pre-install,//')" "helm.sh/hook: pre-upgrade"
expect_equal "$(spoilt kubernetes/deployment.yaml 's/(terminationGracePeriodSeconds:) .*/\1 20/')" "killed before it has left by itself"
expect_equal "$(spoilt kubernetes/deployment.yaml 's/( - key: tenant-url)/\1s/; s/path: tenant-url/path: tenants/' | cut -c 1-29)" "the files that variables name"
expect_equal "$(spoilt compose.yaml 's/(condition:) .*/\1 service_started/' | cut -c 1-13)" "depends_on is"
expect_equal "$(spoilt nomad.hcl 's/"prestart"/"poststart"/' | cut -c 1-12)" "lifecycle is"
expect_equal "$(spoilt profile-migrate.service 's/^(RestartPreventExitStatus)=.*/\1=1 2/' | sed -n 1p)" "what is tried again is [4, 5, 143], not [4, 143]"
run manifests problems <(sed 's/cap_drop *=/cap_drop %/' "$DEPLOY/nomad.hcl")
expect_not equal "$STATUS" 0

# ------------------------------------------------------------------------------------------------------------- systemd

it "is a unit that systemd takes, without a word of complaint"
mkdir units
sed "s:/usr/local/bin/profile-migrate:$MIGRATE:" "$DEPLOY/profile-migrate.service" >units/profile-migrate.service
run systemd-analyze verify --man=no "$T/units/profile-migrate.service"
expect_exit 0
expect_stderr_is ""
sed 's/^ProtectClock=yes/ProtectClocks=yes/' units/profile-migrate.service >units/spoilt.service
run systemd-analyze verify --man=no "$T/units/spoilt.service"
expect_stderr_contains ProtectClocks

it "exposes next to nothing of the machine"
run systemd-analyze security --no-pager --offline=true "$T/units/profile-migrate.service"
expect_stdout_matches 'Overall exposure level for profile-migrate.service: [01]\.[0-9]'

it "asks the kernel for nothing that the unit forbids"
# calls_of SET: the system calls of it, sets in it resolved.
calls_of() { systemd-analyze syscall-filter --no-pager "$1" | grep -v '^ *#' | awk 'NR > 1 && NF {print $1}' | while read -r call; do
    if [[ $call == @* ]]; then calls_of "$call"; else echo "$call"; fi
done; }
grep -o '^SystemCallFilter=.*' units/profile-migrate.service >filters
expect_equal "$(tr '\n' ' ' <filters)" "SystemCallFilter=@system-service SystemCallFilter=~@privileged "
{ calls_of @system-service && calls_of @default; } | sort -u >allowed
calls_of @privileged | sort -u >forbidden
expect grep -qx openat allowed
expect grep -qx chroot forbidden
private_folder "$T/traced"
mkdir -p traced/data
chmod 755 traced
chmod 777 traced/data
install -m 755 "$STATIC_BUILD/profile-migrate" traced/
for url in "sqlite:///$T/traced/data/registry.db sqlite:///$T/traced/data/{tenant_id}.db" \
    "$(pg_url acme | sed 's/acme/registry/') $(pg_url '{tenant_id}')"; do
    # shellcheck disable=SC2086 # two words
    set -- $url
    run as_server strace -f -o "$T/traced/data/calls" env SHARED_DATABASE_URL="$1" TENANT_DATABASE_URL="$2" \
        PROFILE_MIGRATE_TENANT_ON_AHEAD=allow "$T/traced/profile-migrate" all head --no-tenants ok
    expect_exit 0
    sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' traced/data/calls | sort -u >used
    expect test "$(wc -l <used)" -gt 20
    # The kernel asks nobody for the one that strace's own start makes.
    expect_equal "$(comm -23 used <(comm -23 allowed forbidden))" ""
done

# --------------------------------------------------------------------------------------------------------- Dockerfiles

# last_stage FILE: the instructions of the image itself.
last_stage() { grep -vE '^(#|$)' "$1" | awk '/^FROM/ {n = 0} {lines[n++] = $0} END {for (i = 0; i < n; i++) print lines[i]}'; }

it "makes the same image with a container engine as without one"
expect_equal "$(last_stage "$DEPLOY/Dockerfile" | grep -v ^COPY)" 'FROM scratch
USER 65532:65532
ENTRYPOINT ["/profile-migrate"]'
expect_equal "$(last_stage "$DEPLOY/Dockerfile.multistage" | grep -v ^COPY)" "$(last_stage "$DEPLOY/Dockerfile" | grep -v ^COPY)"
expect_equal "$(last_stage "$DEPLOY/Dockerfile" | grep ^COPY)" "COPY --chown=0:0 . /"
expect_equal "$(last_stage "$DEPLOY/Dockerfile.multistage" | grep ^COPY)" "COPY --chown=0:0 --from=build /src/build/image-root/ /"
expect grep -qx "USER_ID=65532" "$TOP/gen/image.sh"
expect grep -qx "FROM debian:bookworm-slim AS build" "$DEPLOY/Dockerfile.multistage"
# Its verbs are there; what deps-build needs is in the Makefile alone, which is all that is copied before it.
while read -r verb; do
    expect grep -qE "^$verb:" "$TOP/Makefile"
done < <(sed -n 's/^RUN make //p' "$DEPLOY/Dockerfile.multistage")
mkdir alone
cp "$TOP/Makefile" alone/
run make -C alone -n deps-build
expect_exit 0
expect_stdout_contains ca-certificates
expect_stdout_lacks clang-tidy
