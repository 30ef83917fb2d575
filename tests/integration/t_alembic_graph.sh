#!/usr/bin/env bash
# Which revisions run, in which order, and which version rows stand after each step: the same as the real Alembic, over
# hundreds of graphs and every form of target. Where we deliberately differ, what we do instead.
#
# ALEMBIC_SEED and ALEMBIC_GRAPHS choose other graphs: ALEMBIC_SEED=7 ALEMBIC_GRAPHS=2000 tests/run alembic_graph
set -Eeuo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
: "${BUILD_DIR:=$top/build}" "${ALEMBIC_SEED:=20261122}" "${ALEMBIC_GRAPHS:=300}"
folder=$(mktemp -d "${TEST_RUN_DIR:-${TMPDIR:-/tmp}}/alembic_graph.XXXXXX")
trap 'rm -rf "$folder"' EXIT

# vectors NAME PYTHONHASHSEED SEED [--set-order]
vectors() {
    local name=$1 hash_seed=$2
    shift 2
    PYTHONHASHSEED=$hash_seed PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 "$top/tests/integration/alembic_vectors.py" "$1" "$ALEMBIC_GRAPHS" "${@:2}" >"$folder/$name"
}

/usr/bin/python3 -c 'import alembic; print("# Alembic", alembic.__version__)'
echo "# seed $ALEMBIC_SEED, $ALEMBIC_GRAPHS random graphs; ALEMBIC_SEED and ALEMBIC_GRAPHS choose others"

# Once with dependencies in the order written, and with other graphs in whatever order two hash seeds give them.
vectors written 0 "$ALEMBIC_SEED" &
first=$!
vectors hashed1 1 $((ALEMBIC_SEED + 1)) --set-order
wait "$first"
vectors hashed2 2 $((ALEMBIC_SEED + 2)) --set-order

status=0
"$BUILD_DIR/tests/peer_plan" "$folder"/{written,hashed1,hashed2} >"$folder/cases" || status=$?
cat "$folder/cases"
cases=$(grep -cE '^(not )?ok ' "$folder/cases")

# check SENTENCE CMD…
check() {
    local sentence=$1
    shift
    cases=$((cases + 1))
    if "$@"; then
        echo "ok - $sentence"
    else
        echo "not ok - $sentence"
        status=1
    fi
}

asked=$(sed -n 's/^# \([0-9]*\) questions$/\1/p' "$folder/cases")
check "thousands of questions were asked ($asked)" test "$asked" -gt 20000

explained=0
while read -r name; do
    explained=$((explained + 1))
    grep -q "^### $name\$" "$top/docs/alembic-differences.md" || { echo "# $name is not explained" && explained=-1000; }
    grep -q "deliberate difference: $name " "$folder/cases" || { echo "# $name was not met" && explained=-1000; }
done < <(sed -n 's/^    ("\([a-z-]*\)", [a-z_]*),$/\1/p' "$top/tests/integration/alembic_vectors.py")
check "every deliberate difference was met, and docs/alembic-differences.md explains it" test "$explained" -gt 10

echo "1..$cases"
exit "$status"
