# shellcheck shell=bash
# Files of tests/golden/*/*.case, for tests that source this behind lib.sh.
#
# A .case file is a migrations folder in one text, and what a command says about it:
#
#     # What it is about.
#     ==== s/versions/a.sql
#     -- Revision: a1
#     ==== s/versions/b.sql %b
#     bytes that need escapes, as printf's %b reads them; no line end at the end
#     ==== expected
#     migrations/s/versions/a.sql:1:1: error: …
#
# Without an env.ini in the case there is s/env.ini with SQLite alone.

# write_part PATH [%b]: what stdin says, into the folder of the case. The last line end of %b is the file format's.
write_part() {
    mkdir -p "$(dirname "$1")"
    if [[ ${2:-} == %b ]]; then printf '%b' "$(cat)" >"$1"; else cat >"$1"; fi
}

# unpack FILE: makes migrations/ and expected in the current folder.
unpack() {
    local line path="" format="" part=""
    mkdir migrations
    while IFS= read -r line; do
        if [[ $line == "==== "* ]]; then
            [[ -z $path ]] || printf '%s' "$part" | write_part "$path" "$format"
            read -r path format <<<"${line#==== }"
            # A path with a blank in it: the format is the last word only when it is %b.
            [[ $format == "" || $format == %b ]] || { path="$path $format" && format=""; }
            [[ $path == expected ]] || path=migrations/$path
            part=""
        elif [[ -n $path ]]; then
            part+=$line$'\n'
        fi
    done <"$1"
    [[ -z $path ]] || printf '%s' "$part" | write_part "$path" "$format"
    [[ -e expected ]] || : >expected
    compgen -G "migrations/*/env.ini" >/dev/null ||
        printf '[stream]\ndialects = sqlite\n' | write_part migrations/s/env.ini
}

# update CASE FILE: what is in FILE is expected from now on.
update() {
    sed -i '/^==== expected$/,$d' "$1"
    [[ ! -s $2 ]] || { echo "==== expected" && cat "$2"; } >>"$1"
}
