#!/usr/bin/env bash
# Which tenants a run takes and in which order, on SQLite files: every filter and what they make together, shares of many
# processes, canaries, waves, limits of failures, and which failures are tolerated. limit: 240
source "$(dirname "$0")/lib.sh"

# fleet_ini: a fleet whose tenants live in files in the current folder, unless the registry says otherwise.
fleet_ini() {
    cat <<INI
[stream]
kind = fleet
dialects = sqlite, postgresql
registry = shared
tenants_query = SELECT tenant_id, database_url, wave FROM tenants ORDER BY tenant_id
tenant_url = sqlite:///{tenant_id}.$1.db
INI
}
new_project ours
fleet_ini db | new_stream ours tenant
fleet_ini site | new_stream ours site
write_revision ours shared shar1 "" <<'SQL'
-- migrate:up
CREATE TABLE tenants (tenant_id text PRIMARY KEY, database_url text, wave integer);

-- migrate:down
DROP TABLE tenants;
SQL
table_revision ours tenant ten1 ""
build_project ours old >/dev/null
sed -i 's/(id integer PRIMARY KEY)/(id integer PRIMARY KEY, more text)/' ours/migrations/tenant/versions/ten1_test.sql
table_revision ours tenant ten2 ten1
table_revision ours site site1 ""
build_project ours ours >/dev/null
OLD=$T/ours/build/old OURS=$T/ours/build/ours

# yard NAME [ID[:WAVE]]…: an empty folder with a registry of these tenants, and the current folder from here on.
yard() {
    mkdir "$T/$1" && cd "$T/$1"
    export SHARED_DATABASE_URL=sqlite:///shared.db
    "$OURS" shared head -q >/dev/null
    shift
    enlist "$@"
}
enlist() {
    local tenant sql=""
    for tenant; do
        [[ $tenant == *:* ]] || tenant+=:NULL
        sql+="INSERT INTO tenants (tenant_id, wave) VALUES ('${tenant%:*}', ${tenant##*:});"
    done
    [[ -z $sql ]] || sqlite_sql shared.db "$sql"
}
tenant_at() { sqlite_sql shared.db "UPDATE tenants SET database_url = '$2' WHERE tenant_id = '$1'"; }

# chosen OPTION…: the ids, in one line.
chosen() { "$OURS" tenant tenants "$@" | sed 's/ .*//' | paste -sd' '; }
# expect_refusal MESSAGE OPTION…: exit 2, these words, and nobody touched.
expect_refusal() {
    run "$OURS" tenant head "${@:2}"
    expect_exit 2
    expect_stderr_contains "$1"
    expect_not compgen -G '*.db.db'
}
# break_body ID: the tenant's first revision fails, since its table is there.
break_body() { sqlite_sql "$1.db.db" "CREATE TABLE t_ten1 (id)"; }
revisions_of() { sqlite_sql "$1.db.db" "SELECT group_concat(revision, ' ') FROM (SELECT revision FROM migrate_log ORDER BY id)"; }
at_head() { [[ -e $1.db.db && $(sqlite_sql "$1.db.db" "SELECT version_num FROM alembic_version") == ten2 ]]; }
# touched: who has a file, in one line. (Those that a case broke have one, too.)
touched() { find . -name '*.db.db' | sed 's|^\./||; s/\.db\.db$//' | sort | paste -sd' '; }
# order_of FILE: the tenants in the order in which --json said that they are finished.
order_of() { python3 -c 'import json, sys
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event.get("event") == "database": print(event["tenant"])' "$1" | paste -sd' '; }
answer() { python3 -c 'import json, sys; print(json.loads(open("out").readlines()[-1])[sys.argv[1]])' "$1"; }

# ------------------------------------------------------------------------------------------------------------ filters

yard filters acme bolt corp eu-1 eu-2 eu-3 Zeta

it "narrows by each filter and by all of them together"
expect_equal "$(chosen)" "Zeta acme bolt corp eu-1 eu-2 eu-3"
expect_equal "$(chosen --tenant corp --tenant acme -x tenant_id=corp)" "acme corp"
expect_equal "$(chosen --match 'eu-*')" "eu-1 eu-2 eu-3"
expect_equal "$(chosen --match 'eu-[!2]' --match '?olt')" "bolt eu-1 eu-3"
expect_equal "$(chosen --match 'Z*')" "Zeta"
expect_equal "$(chosen --exclude eu-1 --exclude Zeta)" "acme bolt corp eu-2 eu-3"
printf '\xef\xbb\xbf# ours\r\n\r\n  bolt \r\neu-2\r\n' >list
printf 'eu-3' >second
expect_equal "$(chosen --tenants-from list)" "bolt eu-2"
expect_equal "$(chosen --tenants-from list --tenants-from second --tenant acme)" "acme bolt eu-2 eu-3"
expect_equal "$(chosen --tenants-from list --tenants-from second --match 'eu-*' --exclude eu-2)" "eu-3"
expect_equal "$(printf 'acme\ncorp\n' | chosen --tenants-from - --tenants-from second)" "acme corp eu-3"

it "refuses a filter that cannot be meant, and touches nobody"
expect_refusal 'no tenant "acne"' --tenant acme --tenant acne
expect_stderr_contains 'did you mean "acme"?'
expect_refusal 'no tenant "eu-9"' --exclude eu-9
expect_refusal "no tenant's id fits \"us-*\"" --match 'eu-*' --match 'us-*'
expect_refusal "no tenant's id fits \"ACME\"" --match ACME
expect_refusal 'the pattern of --match is empty' --match ''
expect_refusal 'the id of --exclude is empty' --exclude ''
expect_refusal 'no tenant is left' --tenant acme --match 'eu-*'
expect_refusal 'no tenant is left' --tenant acme --exclude acme
expect_refusal 'no tenant "eu-9"' --canary eu-9
expect_refusal '--canary: no tenant "acme"' --canary acme --tenant bolt
expect_refusal 'at least one tenant must come first' --canary 0
expect_refusal 'the id of a tenant is empty' --canary acme,,bolt
expect_refusal 'the others would not wait for it' --canary acme --shard 0/2

it "refuses a list of tenants that is none, with its position"
expect_refusal 'cannot read the list of tenants nowhere: No such file' --tenants-from nowhere
expect_refusal 'cannot read the list of tenants /: Is a directory' --tenants-from /
printf '# nobody\n\n' >none
expect_refusal 'none:1:1: error: the list of tenants is empty' --tenants-from list --tenants-from none
printf 'acme\nb\xfclt\n' >latin
expect_refusal 'latin:2:2: error: the list of tenants is not UTF-8' --tenants-from latin
printf 'acme\0' >nul
expect_refusal 'nul:1:5: error: a NUL byte' --tenants-from nul
truncate -s $((16 * 1024 * 1024 + 1)) huge
expect_refusal 'the list of tenants huge is larger than 16 MiB' --tenants-from huge
expect_refusal 'stdin:1:1: error: the list of tenants is empty' --tenants-from - </dev/null
expect_refusal '--tenants-from - stands twice' --tenants-from - --tenants-from - <list

it "knows of no tenants on a single stream"
for option in --tenant=a --tenants-from=list --retry-failed=list --match=a --exclude=a --shard=0/2; do
    run "$OURS" shared current "$option"
    expect_exit 2
    expect_stderr_contains '"shared" is a single database and has no tenants to choose from'
done

it "takes a filter that names tenants for an answer to whom a stamp is for, and no other"
for option in --exclude=acme --shard=0/2; do
    run "$OURS" tenant stamp head "$option"
    expect_exit 2
    expect_stderr_contains "--all-tenants"
done
run "$OURS" tenant stamp head --match 'eu-*' --all-tenants
expect_exit 2
run "$OURS" tenant stamp head --match 'eu-*'
expect_exit 0
expect_equal "$(touched)" "eu-1 eu-2 eu-3"
run "$OURS" tenant stamp head --all-tenants --exclude acme --exclude bolt
expect_exit 0
expect_equal "$(touched)" "Zeta corp eu-1 eu-2 eu-3"
run "$OURS" tenant upgrade head --sql --dialect sqlite --match 'eu-*'
expect_exit 2
expect_stderr_contains "--sql does not look"

it "reads stdin once for every fleet of all"
run "$OURS" all head --tenants-from - <<<'acme'
expect_exit 0
expect at_head acme
expect_equal "$(sqlite_sql acme.site.db "SELECT version_num FROM alembic_version")" site1
expect_not test -e bolt.site.db

# ------------------------------------------------------------------------------------------------------------- shares

tenants=()
for ((i = 0; i < 60; i++)); do tenants+=("t$i"); done
yard shares "${tenants[@]}"

it "parts the tenants into shares that are disjoint and complete"
for i in 0 1 2 3 4; do chosen --shard $i/5 | tr ' ' '\n' >share.$i; done
expect_equal "$(sort share.[0-4])" "$(chosen | tr ' ' '\n' | sort)"
for i in 0 1 2 3 4; do expect test "$(wc -l <share.$i)" -gt 3; done
expect_equal "$(chosen --shard 0/1)" "$(chosen)"

it "keeps everybody in their share when others come and go"
sqlite_sql shared.db "DELETE FROM tenants WHERE tenant_id IN ('t3', 't30', 't31')"
enlist aaa zzz
for i in 0 1 2 3 4; do
    expect_equal "$(chosen --shard $i/5 | tr ' ' '\n' | grep '^t')" "$(grep -vxE 't3|t30|t31' share.$i)"
done

it "leaves the order of filters alone: a share is of the chosen, and may be empty"
in_three=$(head -n 1 share.3)
expect_equal "$(chosen --shard 3/5 --tenant "$in_three")" "$in_three"
run "$OURS" tenant head --shard 2/5 --tenant "$in_three"
expect_exit 0
expect_stdout_is "tenant: 0 databases: 0 upgraded"
expect_equal "$(touched)" ""

it "migrates each revision once when two processes take the same share"
"$OURS" tenant head --shard 0/5 --jobs 4 >first.out 2>first.err &
first=$!
run "$OURS" tenant head --shard 0/5 --jobs 4
expect_exit 0
expect wait $first
mapfile -t mine < <(chosen --shard 0/5 | tr ' ' '\n')
expect_equal "$(touched | tr ' ' '\n')" "$(printf '%s\n' "${mine[@]}" | sort)"
for tenant in "${mine[@]}"; do expect_equal "$(revisions_of "$tenant")" "ten1 ten2"; done

it "finds its share in a Slurm array"
slurm() { env SLURM_ARRAY_TASK_ID="$1" SLURM_ARRAY_TASK_MIN="$2" SLURM_ARRAY_TASK_MAX="$3" SLURM_ARRAY_TASK_STEP="$4" SLURM_ARRAY_TASK_COUNT="$5" "${@:6}"; }
share() { "$OURS" tenant tenants --shard "$1" | sed 's/ .*//' | paste -sd' '; }
export -f share && export OURS
expect_equal "$(slurm 0 0 4 1 5 bash -c 'share auto')" "$(chosen --shard 0/5)"
expect_equal "$(slurm 7 1 9 2 5 bash -c 'share auto')" "$(chosen --shard 3/5)"
expect_equal "$(OURS_SHARDS=5 slurm 4 2 4 2 2 bash -c 'share auto')" "$(chosen --shard 4/5)"
run slurm 1 1 5 1 3 "$OURS" tenant tenants --shard auto
expect_exit 2
expect_stderr_contains "the Slurm array is irregular"
expect_stderr_contains "set OURS_SHARDS to how many shares there are"
run slurm 1 1 five 1 3 "$OURS" tenant tenants --shard auto
expect_exit 2
expect_stderr_contains 'SLURM_ARRAY_TASK_MAX is "five"'
OURS_SHARDS=5 run slurm 5 5 5 1 1 "$OURS" tenant tenants --shard auto
expect_exit 2
expect_stderr_contains "SLURM_ARRAY_TASK_ID is 5, and OURS_SHARDS is 5"

it "finds its share in a Kubernetes Indexed Job, with the number of shares beside it"
JOB_COMPLETION_INDEX=2 OURS_SHARDS=5 run "$OURS" tenant tenants --shard auto
expect_exit 0
expect_stderr_is ""
expect_equal "$(sed 's/ .*//' "$T/out" | paste -sd' ')" "$(chosen --shard 2/5)"
JOB_COMPLETION_INDEX=2 run "$OURS" tenant tenants --shard auto
expect_exit 2
expect_stderr_contains "OURS_SHARDS is not set"
run "$OURS" tenant tenants --shard auto
expect_exit 2
expect_stderr_contains "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set"
JOB_COMPLETION_INDEX=2 OURS_SHARDS=5 run slurm 0 0 4 1 5 "$OURS" tenant tenants --shard auto
expect_exit 2
expect_stderr_contains "both SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX are set"
run "$OURS" tenant tenants --shard 5/5
expect_exit 2
expect_stderr_contains "the last one is 4/5"

# ------------------------------------------------------------------------------------------------------------ canaries

yard canaries a b c d e f
it "begins nobody else when a canary fails, and says so"
break_body e
run "$OURS" tenant head --canary b,e --report report.json
expect_exit 1
expect_stderr_contains "4 of 6 tenants were not started: a canary failed"
expect_stdout_contains "1 failed, 4 not started"
expect_equal "$(touched)" "b e"
expect at_head b

it "counts a canary's failure whatever is tolerated"
run "$OURS" tenant head --canary e,b --tolerate 100%
expect_exit 1
expect_equal "$(touched)" "b e"

it "tries again only those that failed or were not started"
expect_equal "$(chosen --retry-failed report.json)" "a c d e f"
expect_equal "$(chosen --retry-failed report.json --exclude e --tenant b)" "a b c d f"
sqlite_sql e.db.db "DROP TABLE t_ten1"
run "$OURS" tenant head --retry-failed report.json --canary e --report again.json
expect_exit 0
expect_stdout_contains "tenant: 5 databases: 5 upgraded"
run "$OURS" tenant head --retry-failed again.json
expect_exit 0
expect_stdout_is "tenant: 0 databases: 0 upgraded"
run "$OURS" site head --retry-failed report.json
expect_exit 2
expect_stderr_contains '"site"'
run "$OURS" tenant head --retry-failed list
expect_exit 2
expect_stderr_contains "cannot read the report list"

it "takes the first N, or those named, before the others"
run "$OURS" tenant downgrade base --json --jobs 4 --canary 2
expect_exit 0
expect matches "$(order_of "$T/out")" '^(a b|b a) '
run "$OURS" tenant head --json --jobs 4 --canary f,c
expect_exit 0
expect matches "$(order_of "$T/out")" '^(c f|f c) '
run "$OURS" tenant downgrade base --canary 99
expect_exit 0

# --------------------------------------------------------------------------------------------------------------- waves

yard waves a:2 b:0 c d:2 e:0 f:1
it "works off the waves of the column, the lowest first, those without one last"
run "$OURS" tenant head --json --jobs 4
expect_exit 0
expect matches "$(order_of "$T/out")" '^(b e|e b) f (a d|d a) c$'

it "cuts waves by size, and begins no further wave after a failed revision"
run "$OURS" tenant downgrade base --all-tenants
run "$OURS" tenant downgrade base --json --wave-size 1
expect_exit 0
expect_equal "$(order_of "$T/out")" "b e f a d c"
break_body f
run "$OURS" tenant head --json --jobs 4
expect_exit 1
expect matches "$(order_of "$T/out")" '^(b e|e b) f$'
expect_equal "$(cd "$T" && answer not_started)" 3
expect_stderr_contains "3 of 6 tenants were not started: 1 revision failed up to wave 2"
run "$OURS" tenant head --json --jobs 4 --max-failures 1 --tolerate 1
expect_exit 0
expect_equal "$(cd "$T" && answer failed)" 1
expect at_head c

it "refuses a wave that is no number, with the tenant's name"
sqlite_sql shared.db "UPDATE tenants SET wave = -1 WHERE tenant_id = 'd'"
run "$OURS" tenant head
expect_exit 2
expect_stderr_contains 'tenant "d": its wave "-1" is no whole number from 0 to'

# ------------------------------------------------------------------------------------------------------------ failures

yard failures a b c d e f g h i j
for tenant in b c d; do break_body $tenant; done

it "begins no further tenant after more failed revisions than --max-failures"
run "$OURS" tenant head --jobs 1 --max-failures 1
expect_exit 1
expect_stderr_contains "7 of 10 tenants were not started: 2 revisions failed, and max_failures is 1"
expect_equal "$(touched)" "a b c d"
run "$OURS" tenant head --jobs 1 --max-failures 20% --tolerate 100%
expect_exit 1
expect_stderr_contains "6 of 10 tenants were not started: 3 revisions failed, and max_failures is 20%"
expect_not test -e e.db.db
run "$OURS" tenant head --jobs 1 --max-failures 3
expect_exit 1
expect_stderr_lacks "not started"
expect at_head j

it "does not count databases that are missing or unreachable"
yard apart a b c d
tenant_at a sqlite:///no/such/folder/a.db
tenant_at b postgresql://nobody@127.0.0.1:1/b
run "$OURS" tenant head --jobs 1 --max-failures 0 --wave-size 1
expect_exit 1
expect_stderr_lacks "not started"
expect at_head d

# -------------------------------------------------------------------------------------------------------- tolerance

# One tenant for each kind of failure, and others that are fine: 10 in all.
yard tolerance body edited missing unreachable fine1 fine2 fine3 fine4 fine5 fine6
tenant_at missing sqlite:///no/such/folder/a.db
tenant_at unreachable postgresql://nobody@127.0.0.1:1/b
"$OLD" tenant head --tenant edited -q >/dev/null
break_body body
# tolerated EXIT TOLERATE ID…: upgrading these (and nobody else) ends with that status.
tolerated() {
    local status=$1 tolerate=$2 ids=()
    shift 2
    for id; do ids+=(--tenant "$id"); done
    run "$OURS" tenant head --jobs 2 --tolerate "$tolerate" "${ids[@]}"
    expect_exit "$status"
    for id; do [[ $id == fine* ]] || expect_stderr_contains "  $id: "; done
}

it "exits 1 for a failed revision or a missing database, 4 for an unreachable one, 5 for an edited revision"
tolerated 1 0 body fine1
tolerated 1 0 missing fine1
tolerated 4 0 unreachable fine1
tolerated 5 0 edited fine1
tolerated 0 0 fine1 fine2

it "prefers 1 to 5 and 5 to 4"
tolerated 1 0 body edited unreachable
tolerated 1 0 missing edited
tolerated 5 0 edited unreachable
tolerated 4 0 unreachable

it "tolerates so many failures of any kind, and names them all the same"
for id in body missing unreachable edited; do tolerated 0 1 "$id" fine1; done
tolerated 0 4 body missing unreachable edited
tolerated 1 3 body missing unreachable edited
tolerated 5 1 edited unreachable fine1
tolerated 0 2 edited unreachable

it "tolerates a share of all that were chosen"
for id in body missing unreachable edited; do tolerated 0 25% "$id" fine1 fine2 fine3; done
tolerated 1 24% body fine1 fine2 fine3
tolerated 1 24% missing fine1 fine2 fine3
tolerated 4 24% unreachable fine1 fine2 fine3
tolerated 5 24% edited fine1 fine2 fine3
tolerated 1 49% body unreachable fine1 fine2
tolerated 0 50% body unreachable fine1 fine2
tolerated 0 100% body missing unreachable edited

it "tolerates no mistake in the command line"
run "$OURS" tenant head --tolerate 100% --tenant nobody
expect_exit 2
run "$OURS" tenant head --tolerate 101% --tenant fine1
expect_exit 2
