#!/usr/bin/env bash
# An older executable meets a database that a newer one migrated: refused or left alone, told apart from a diverged one; up,
# back and up again; and old and new at the same time, twenty processes each. limit: 300
source "$(dirname "$0")/lib.sh"

start_postgres

# v1 has the revisions one … three; v2 adds four, on a branch from two, and five, which merges four and three.
new_project v1
registry_revision v1
table_revision v1 tenant one ""
table_revision v1 tenant two one
table_revision v1 tenant three two
cp -r v1 v2
table_revision v2 tenant four two
table_revision v2 tenant five "three, four"
# w has a history of its own behind two.
cp -r v1 w
rm w/migrations/tenant/versions/three_test.sql
table_revision w tenant other two
for version in v1 v2 w; do build_project "$version" ours >/dev/null; done
V1=$T/v1/build/ours V2=$T/v2/build/ours W=$T/w/build/ours
new_database registry
SHARED_DATABASE_URL=$(pg_url registry) && export SHARED_DATABASE_URL
"$V1" shared head -q

tenant() { pg_sql registry "INSERT INTO tenants (tenant_id, database_url) VALUES ('$1', '$2')"; }
forget() { pg_sql registry "DELETE FROM tenants"; }
# rows ENGINE NAME, logged ENGINE NAME
ask() { if [[ $1 == postgresql ]]; then pg_sql "$2" "$3"; else sqlite_sql "$2.db" "$3"; fi; }
rows() { ask "$1" "$2" "SELECT version_num FROM alembic_version ORDER BY 1" | xargs; }
logged() { ask "$1" "$2" "SELECT revision FROM migrate_log WHERE direction = 'upgrade' AND state = 'done' ORDER BY revision" | xargs; }
everything() { ask "$1" "$2" "SELECT id, revision, direction FROM migrate_log ORDER BY id"; }
# make_tenant ENGINE NAME: in the registry, and there.
make_tenant() {
    if [[ $1 == postgresql ]]; then
        new_database "$2" && tenant "$2" "$(pg_url "$2")"
    else
        tenant "$2" "sqlite:///$2.db"
    fi
}

for engine in postgresql sqlite; do
    it "refuses a database that is ahead, and says what to do ($engine)"
    forget
    t=acme_$engine
    make_tenant "$engine" "$t"
    run "$V1" tenant head
    expect_exit 0
    run "$V2" tenant head
    expect_exit 0
    expect_equal "$(logged "$engine" "$t")" "five four one three two"
    before=$(everything "$engine" "$t")
    run "$V1" tenant head
    expect_exit 5
    expect_stderr_contains 'the database is ahead: version row "five" is of a later executable'
    expect_stderr_contains "deploy that executable again"
    expect_stderr_contains "on_ahead = allow"
    expect_equal "$(everything "$engine" "$t")" "$before"

    it "leaves it alone where that is allowed, and tells that it is ahead ($engine)"
    export PROFILE_MIGRATE_TENANT_ON_AHEAD=allow OURS_TENANT_ON_AHEAD=allow
    run "$V1" tenant head
    expect_exit 0
    expect_stderr_contains "ahead of this executable at five"
    run "$V1" tenant head --json
    expect_exit 0
    expect_stdout_contains '"ahead": true'
    run "$V1" tenant check
    expect_exit 0
    expect_stdout_contains "ahead of this executable at five"
    run "$V1" tenant status
    expect_exit 0
    expect_stdout_contains "ahead"
    run "$V1" tenant current --check-heads
    expect_exit 0
    expect_stdout_is "$t: five (ahead of this executable)"
    expect_equal "$(everything "$engine" "$t")" "$before"
    run "$V1" tenant downgrade two --tenant "$t"
    expect_exit 5
    expect_equal "$(everything "$engine" "$t")" "$before"
    unset PROFILE_MIGRATE_TENANT_ON_AHEAD OURS_TENANT_ON_AHEAD

    it "finds nothing to do when the newer one comes back, and goes down with it ($engine)"
    run "$V2" tenant head
    expect_exit 0
    expect_stderr_contains "nothing to do, at five"
    expect_equal "$(everything "$engine" "$t")" "$before"
    run "$V2" tenant downgrade two
    expect_exit 0
    run "$V1" tenant head
    expect_exit 0
    expect_equal "$(rows "$engine" "$t")" three
    run "$V2" tenant head
    expect_exit 0

    it "refuses a diverged database although what is ahead is allowed ($engine)"
    t=other_$engine
    make_tenant "$engine" "$t"
    run "$W" tenant head --tenant "$t"
    expect_exit 0
    run "$V1" tenant head --tenant "$t" --on-ahead allow
    expect_exit 5
    expect_stderr_contains 'revision "three"'
    expect_equal "$(rows "$engine" "$t")" other
    ask "$engine" "$t" "UPDATE alembic_version SET version_num = 'nobody'"
    run "$V1" tenant head --tenant "$t" --on-ahead allow
    expect_exit 5
    expect_stderr_contains 'version row "nobody" is no revision of stream tenant'

    it "applies every revision once when old and new start together, twenty of each ($engine)"
    forget
    for round in 1 2 3; do
        t=race${round}_$engine
        make_tenant "$engine" "$t"
        pids=()
        for i in {1..20}; do
            "$V1" tenant head --tenant "$t" --on-ahead allow >"$T/v1.$i" 2>&1 &
            pids+=($!)
            "$V2" tenant head --tenant "$t" >"$T/v2.$i" 2>&1 &
            pids+=($!)
        done
        failed=0
        for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
        expect_equal "$failed" 0 || true
        ((failed == 0)) || tail -n 4 "$T"/v[12].* | grep -B1 -A3 error | head -n 30
        expect_equal "$(logged "$engine" "$t")" "five four one three two"
        expect_equal "$(rows "$engine" "$t")" five
    done
done

it "leaves alone who is ahead in a fleet of mixed states, and brings the others to its own head"
forget
export PROFILE_MIGRATE_TENANT_LEDGER=trust OURS_TENANT_LEDGER=trust
for t in m_new m_ahead m_head m_behind; do make_tenant postgresql "$t"; done
"$V2" tenant head --tenant m_ahead -q
"$V1" tenant head --tenant m_head -q
"$V1" tenant upgrade one --tenant m_behind -q
run "$V1" tenant head
expect_exit 5
expect_equal "$(rows postgresql m_new)" three
expect_equal "$(rows postgresql m_behind)" three
run "$V1" tenant head --on-ahead allow
expect_exit 0
expect_equal "$(rows postgresql m_ahead)" five

it "believes no row of the ledger that the other executable wrote"
run "$V2" tenant head
expect_exit 0
for t in m_new m_ahead m_head m_behind; do
    expect_equal "$(rows postgresql "$t")" five
    expect_equal "$(logged postgresql "$t")" "five four one three two"
done
run "$V1" tenant head --on-ahead allow
expect_exit 0
run "$V1" tenant head
expect_exit 5
run "$V2" tenant head
expect_exit 0
for t in m_new m_ahead m_head m_behind; do expect_equal "$(rows postgresql "$t")" five; done

it "refuses what a newer one left half done, although what is ahead is allowed, and says which revision is missing"
forget
make_tenant postgresql half
run "$V2" tenant upgrade four --tenant half
expect_exit 0
run "$V1" tenant head --tenant half --on-ahead allow
expect_exit 5
expect_stderr_contains 'revision "three"'
expect_equal "$(rows postgresql half)" four
run "$V2" tenant head --tenant half
expect_exit 0
run "$V1" tenant head --tenant half --on-ahead allow
expect_exit 0

# ------------------------------------------------------------------------------------------------------ the registry, too

# r1 wants a revision of the registry for its tenants; r2 has one more in the registry.
new_project r1
registry_revision r1
table_revision r1 tenant one "" "Requires: shared@shar1"
cp -r r1 r2
table_revision r2 shared shar2 shar1
for version in r1 r2; do build_project "$version" ours >/dev/null; done
R1=$T/r1/build/ours R2=$T/r2/build/ours

for engine in postgresql sqlite; do
    it "knows what a registry that is ahead has, and goes on with its tenants ($engine)"
    if [[ $engine == postgresql ]]; then
        new_database moved_on
        SHARED_DATABASE_URL=$(pg_url moved_on)
    else
        SHARED_DATABASE_URL=sqlite:///moved_on.db
    fi
    run "$R2" shared head
    expect_exit 0
    sql="INSERT INTO tenants (tenant_id, database_url) VALUES ('late', 'sqlite:///late_$engine.db')"
    ask "$engine" moved_on "$sql"
    run env OURS_SHARED_ON_AHEAD=allow OURS_TENANT_ON_AHEAD=allow "$R1" all head
    expect_exit 0
    expect_equal "$(rows sqlite "late_$engine")" one
done
