#!/usr/bin/env bash
# What the documents say of the executables is so, both ways: nothing that is gone, nothing that is missing.
# shellcheck disable=SC2016 # backquotes are Markdown's
source "$(dirname "$0")/lib.sh"

JSON=$TOP/docs/json.md

# cells TITLE: the first cells of the table under that header row, code marks dropped, one a line.
cells() {
    awk -v title="| $1 |" 'index($0, title) == 1 {on = 1; getline; next} on && !/^\|/ {exit} on' "$JSON" |
        sed 's/^| \([^|]*\) |.*/\1/' | grep -o '`[^`]*`' | tr -d '`'
}
# in_sources REGEX: what matches in our C, once each.
in_sources() { grep -rhoE "$1" "$TOP/runtime" "$TOP/gen" --include='*.[ch]' | sort -u; }

it "names every fault with its exit code"
expect_equal "$(grep -E '^\| `[a-z-]+` \| [0-9N+]+ \|' "$JSON" | sed -E 's/^\| `([a-z-]+)` \| ([0-9N+]+) .*/\2 \1/' | sort)" \
    "$(sed -nE 's/^ *\[FAULT_[A-Z_]+\] = \{([0-9]), "([a-z-]+)"\},/\1 \2/p' "$TOP/runtime/base/err.c" |
        sed -e '/ none$/d' -e 's/^0 stopped/128+N stopped/' | sort)"

it "names every event"
expect_equal "$(cells event | sort)" "$(in_sources '"event", (label \? label : )?"[a-z_]+"' | sed 's/"$//; s/.*"//' | sort)"

it "names every kind of finding"
sed -n '/^const char \*history_kind_name/,/^}/s/.*"\(.*\)".*/\1/p' "$TOP/runtime/run/history.c" >kinds
expect test -s kinds
while read -r kind; do expect grep -q "\`$kind\`" "$JSON"; done <kinds

it "names every member that is printed"
in_sources 'json_(put_[a-z]+|key|indices)\(&?j, "[a-z_0-9]+"|app_answer_items\(app, "[a-z]+"' | sed 's/"$//; s/.*"//' | sort -u >members
grep -o '`[a-z_0-9-]*`' "$JSON" | tr -d '`' | sort -u >named
expect test -s members
expect_equal "$(comm -23 members named)" ""

it "names nothing that the sources do not know"
in_sources '"[a-z_0-9-]+"' | tr -d '"' | sort -u >known
expect_equal "$(comm -23 named known | grep -v '^--' || true)" ""

it "tells the first five minutes as they go"
sed -n '/^## Five minutes/,/^On PostgreSQL/p' "$TOP/README.md" >story
sed -n '1,/^The answers/s/^    //p' story | grep -v '^make ' >commands
sed -n '/^The answers/,$s/^    //p' story >answers
mkdir minutes
ln -s "$BUILD_DIR" minutes/build
run bash -e -c 'cd minutes && source ../commands'
expect_exit 0
# "…" stands for any number of lines.
expect_that "the answers differ: $(diff answers "$T/out" || true)" python3 - answers "$T/out" <<'PY'
import re, sys
told, given = (open(path, encoding="utf-8").read() for path in sys.argv[1:])
sys.exit(not re.fullmatch("(?:.*\n)*".join(map(re.escape, told.split("…\n"))), given))
PY

it "leads nowhere that is not there"
for page in README.md CONTRIBUTING.md $(cd "$TOP" && ls docs/*.md docs/*/*.md); do
    while read -r link; do
        expect_that "$page: $link" test -e "$(dirname "$TOP/$page")/$link"
    done < <({ grep -oE '\]\([^):#]+' "$TOP/$page" || true; } | sed 's/^](//; /^https\?$/d')
done
