#!/usr/bin/env bash
# The files of docs/deploy do what they say: the Indexed Job's own words and variables are run, and what it does about exit
# codes agrees with the program's table. (docs/deploy/slurm.sh is what `make test-cluster` submits.) limit: 120
source "$(dirname "$0")/lib.sh"

JOB=$TOP/docs/deploy/indexed-job.yaml

# job EXPRESSION: of the manifest, with j the Job, t its pod, c its container; lists a word a line.
job() {
    python3 - "$JOB" "$1" <<'PY'
import sys, yaml
with open(sys.argv[1], encoding="utf-8") as file:
    [j] = yaml.safe_load_all(file)
t = j["spec"]["template"]["spec"]
[c] = t["containers"]
rules = j["spec"]["podFailurePolicy"]["rules"]
codes = lambda action: [str(v) for r in rules if r["action"] == action for v in r.get("onExitCodes", {}).get("values", [])]
answer = eval(sys.argv[2])
print("\n".join(map(str, answer)) if isinstance(answer, list) else answer)
PY
}

it "is an Indexed Job, as its keys want each other"
expect_equal "$(job '[j["apiVersion"], j["kind"], j["spec"]["completionMode"], t["restartPolicy"]]' | tr '\n' ' ')" \
    "batch/v1 Job Indexed Never "
expect_equal "$(job '"FailIndex" not in [r["action"] for r in rules] or "backoffLimitPerIndex" in j["spec"]')" True
expect_equal "$(job 'j["spec"]["maxFailedIndexes"] <= j["spec"]["completions"]')" True
expect_equal "$(job 'set(r["action"] for r in rules) <= {"FailJob", "FailIndex", "Ignore", "Count"}')" True
expect_equal "$(job 'all(("onExitCodes" in r) != ("onPodConditions" in r) for r in rules)')" True
expect_equal "$(job '{r["onExitCodes"]["containerName"] for r in rules if "onExitCodes" in r} == {c["name"]}')" True
expect_equal "$(job 'all(r["onExitCodes"]["values"] == sorted(set(r["onExitCodes"]["values"])) for r in rules if "onExitCodes" in r)')" True

it "does about every exit code what the code is for"
expect_equal "$(job 'codes("FailJob")')" 2
expect_equal "$(job 'codes("FailIndex")' | tr '\n' ' ')" "1 5 "
expect_equal "$(job 'codes("Count")' | tr '\n' ' ')" "4 143 "
expect_equal "$(job '[p["type"] for r in rules if r["action"] == "Ignore" for p in r["onPodConditions"]]')" DisruptionTarget
# Every code of the program's own table has its rule; 0 is no failure, and only `check` says 3.
"$MIGRATE" help | sed -n '/^Exit codes/,/^$/s/^  \([0-9+N]*\) .*/\1/p' | sed 's/^128+N$/143/' | grep -vx '[03]' | sort >table
expect test -s table
expect_equal "$(job 'codes("FailJob") + codes("FailIndex") + codes("Count")' | sort)" "$(cat table)"
run "$MIGRATE" help
expect_stdout_matches '1 +failed.*2 +usage or configuration.*4 +only failures that are worth a retry.*5 +history conflict'

# The container's own words, and its variables, with the files that it mounts found here. PROFILE_MIGRATE_TENANT_ACTOR and
# such, which the cluster fills in, are "from the cluster".
mapfile -t words < <(job 'c["args"]')
mkdir -p mounted data
mapfile -t variables < <(job '[e["name"] + "=" + e.get("value", "from the cluster") for e in c["env"]]')
mount=$(job 'c["volumeMounts"][0]["mountPath"]')
variables=("${variables[@]/#*=$mount\//&}")
for i in "${!variables[@]}"; do variables[i]=${variables[i]/"=$mount/"/"=$T/mounted/"}; done
echo "sqlite:///$T/data/registry.db" >mounted/shared-url
echo "sqlite:///$T/data/{tenant_id}.db" >mounted/tenant-url
# index I: what the pod of index I does.
index() { run env "${variables[@]}" JOB_COMPLETION_INDEX="$1" "$MIGRATE" "${words[@]}"; }
completions=$(job 'j["spec"]["completions"]')
TENANTS=24

it "mounts the files that its variables name"
expect_equal "$(job 'sorted(i["path"] for i in t["volumes"][0]["secret"]["items"])')" \
    "$(job 'sorted(e["value"].removeprefix(c["volumeMounts"][0]["mountPath"] + "/") for e in c["env"] if e["name"].endswith("_FILE"))')"
run env "${variables[@]}" "$MIGRATE" shared head
expect_exit 0
expect_stderr_lacks warning
for ((i = 0; i < TENANTS; i++)); do echo "INSERT INTO tenants (tenant_id, name) VALUES ('t$i', 't$i');"; done >tenants.sql
sqlite_sql data/registry.db "$(cat tenants.sql)"

it "takes every tenant to head, once, when every index has run"
expect_equal "$(job '[e["value"] for e in c["env"] if e["name"] == "PROFILE_MIGRATE_SHARDS"]')" "$completions"
: >changed
for ((i = 0; i < completions; i++)); do
    index "$i"
    expect_exit 0
    expect_stderr_lacks warning
    tail -n 1 out | python3 -c 'import json, sys; print(json.load(sys.stdin)["changed"])' >>changed
done
expect_equal "$(awk '{n += $1} END {print n}' changed)" "$TENANTS"
# The work was divided: no index had it all.
expect_not grep -qx "$TENANTS" changed
run env "${variables[@]}" "$MIGRATE" tenant check
expect_exit 0

it "has nothing to do when an index runs again"
index 3
expect_exit 0
expect_equal "$(tail -n 1 out | python3 -c 'import json, sys; print(json.load(sys.stdin)["changed"])')" 0

it "says that its index is none of its shares, as a Job whose completions were changed alone"
index "$completions"
expect_exit 2
expect_stderr_contains PROFILE_MIGRATE_SHARDS

it "says so, too, where nobody told how many there are"
run env "${variables[@]/#PROFILE_MIGRATE_SHARDS=*/PROFILE_MIGRATE_SHARDS=}" JOB_COMPLETION_INDEX=0 "$MIGRATE" "${words[@]}"
expect_exit 2
expect_stderr_contains PROFILE_MIGRATE_SHARDS

it "leads nowhere that is not there, in its page"
while read -r link; do
    expect test -e "$TOP/docs/deploy/$link"
done < <(grep -oE '\]\([^):#]+' "$TOP/docs/deploy/README.md" | sed 's/^](//')

it "tells the same of the exit codes, in its page"
expect_equal "$(sed -n 's/^| \([0-9]*\) | .*/\1/p' "$TOP/docs/deploy/README.md" | grep -vx '[03]\|137' | sort)" "$(cat table)"

it "leaves the executable the time it takes to stop"
grace=$(printf '%s\n' "${words[@]}" | grep -A 1 -x -e --grace | tail -n 1)
expect matches "$grace" '^[0-9]+s$'
# And what follows the grace: cancelling, the report, the way out.
expect test "$(job 't["terminationGracePeriodSeconds"]')" -ge $((${grace%s} + 10))

it "runs as nobody in particular, who may do nothing but this"
expect_equal "$(job '[t["securityContext"]["runAsNonRoot"], t["securityContext"]["runAsUser"], t["securityContext"]["seccompProfile"]["type"]]' | tr '\n' ' ')" \
    "True 65532 RuntimeDefault "
expect_equal "$(job '[c["securityContext"]["allowPrivilegeEscalation"], c["securityContext"]["readOnlyRootFilesystem"], *c["securityContext"]["capabilities"]["drop"]]' | tr '\n' ' ')" \
    "False True ALL "

it "has no secret in it"
expect_not grep -qiE '://[^ ]*:[^ ]*@|password: ' "$JOB"

# slurm CODE: the documented script around an executable that ends with CODE; the answer is what it asked of Slurm.
slurm() {
    rm -f asked
    run env PATH="$T/bin:$PATH" MIGRATE="$T/bin/ends" CODE="$1" SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=3 \
        SLURM_SUBMIT_DIR="$T" "${@:2}" bash "$TOP/docs/deploy/slurm.sh" --exclude acme
}
mkdir bin
install -m 755 /dev/stdin bin/ends <<'SH'
#!/bin/sh
echo "$@" >"${0%/bin/ends}/words"
[ "$CODE" != 137 ] || kill -9 $$
[ "$CODE" != stopped ] || { kill -TERM $PPID; exit 143; }
exit "$CODE"
SH
install -m 755 /dev/stdin bin/scontrol <<'SH'
#!/bin/sh
echo "$@" >"${0%/bin/scontrol}/asked"
SH

it "asks Slurm to begin a task anew for what is worth it, a few times"
for code in 4 137 143; do
    slurm "$code"
    expect_exit "$code"
    expect_equal "$(cat asked)" "requeue 7_3"
done
slurm 4 SLURM_RESTART_COUNT=5
expect_exit 4
expect_not test -e asked
expect grep -q -- '--exclude acme$' words

it "leaves a task that failed for good as it is, and one that somebody stopped"
for code in 0 1 2 5 stopped; do
    slurm "$code"
    expect_exit "${code/stopped/143}"
    expect_not test -e asked
done

it "gives Slurm's script options that the executable has"
read -ra words <<<"$(cat words)"
run env "${variables[@]}" SLURM_ARRAY_TASK_ID=0 "$MIGRATE" "${words[@]:0:${#words[@]}-2}" --exclude t0
expect_exit 0
