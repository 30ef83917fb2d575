#!/usr/bin/env python3
"""What the documents tell their readers to type, and whether an answer is the one that they show.

    pages.py steps PAGE            each command, as seven texts that end in a NUL
    pages.py commands PAGE         each command, a line
    pages.py untold PAGE           lines of blocks that look like commands and lack the "$"
    pages.py same TOLD OUT ERR     does one of the outputs, or both, say what TOLD shows?

A command is a line of an indented block that begins with "$ ", up to the end of its here-document, or anything in code marks in a
table whose head begins with "with Alembic". "# exit N" behind it is its exit code. The lines below a command are its answer, in
which … stands for what is left out. What an editor is to write, after a command "edit", is the next block of sections.

The texts: line number, exit code, "left" or "right" for a table's column with Alembic's command and ours, else "", whether an
answer is shown, command, answer, what to write.
"""
import pathlib
import re
import sys

TABLE = ("| with Alembic |", "| với Alembic |")


def blocks(lines):
    """(number of the first line, lines) of indented blocks and of tables' rows; a blank line within a block is no end."""
    i = 0
    while i < len(lines):
        if lines[i].startswith("    ") and (i == 0 or not lines[i - 1].strip()):
            start = i
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                i += 1
            yield start + 1, [line[4:] for line in "\n".join(lines[start:i]).rstrip().split("\n")]
        elif lines[i].startswith(TABLE):
            start = i = i + 2
            while i < len(lines) and lines[i].startswith("|"):
                i += 1
            yield start + 1, lines[start:i]
        else:
            i += 1


def step(number, column, text):
    command, _, code = text.partition(" # exit ")
    return {"line": number, "exit": code.strip() or "0", "column": column, "command": command.rstrip(), "answer": [], "write": ""}


def in_row(number, row):
    for column, cell in zip(["left", "right", ""], row.strip("|").split(" | ")):
        for text in re.findall(r"`([^`]+)`", cell):
            yield step(number, column, text)


def in_block(number, lines):
    found, document = [], None
    for offset, line in enumerate(lines):
        if document:
            found[-1]["command"] += "\n" + line
            document = None if line == document else document
        elif line.startswith("$ "):
            found.append(step(number + offset, "", line[2:]))
            here = re.search(r"<<'(\w+)'", line)
            document = here and here[1]
        elif found:
            found[-1]["answer"].append(line)
    return found


def steps(page):
    found = []
    for number, lines in blocks(pathlib.Path(page).read_text(encoding="utf-8").split("\n")):
        if lines[0].startswith("|"):
            for offset, row in enumerate(lines):
                found += in_row(number + offset, row)
        elif lines[0].startswith("-- migrate:"):
            waiting = [each for each in found if " edit " in each["command"] and each["column"] != "left" and not each["write"]]
            if waiting:
                waiting[0]["write"] = "\n".join(lines) + "\n"
        else:
            found += in_block(number, lines)
    return found


def says(told, given):
    """… alone on a line stands for any lines, within a line for any text."""
    pattern = ""
    for line in told.strip().split("\n"):
        pattern += r"(?:.*\n)*" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r"[ ]*\n"
    return re.fullmatch(pattern, given.strip() + "\n") is not None


def main(verb, *arguments):
    if verb == "same":
        told, out, err = (pathlib.Path(path).read_text(encoding="utf-8") for path in arguments)
        return not any(says(told, given) for given in (out, err, out + err, err + out))
    [page] = arguments
    if verb == "steps":
        for each in steps(page):
            answer = "\n".join(each["answer"]).strip()
            for text in (each["line"], each["exit"], each["column"], "shown" if answer else "", each["command"], answer, each["write"]):
                sys.stdout.write(f"{text}\0")
    elif verb == "commands":
        for each in steps(page):
            print(each["exit"], each["column"] or "-", each["command"])
    elif verb == "untold":
        for number, lines in blocks(pathlib.Path(page).read_text(encoding="utf-8").split("\n")):
            for offset, line in enumerate(lines):
                if re.match(r"(make|\./|build/|alembic|migrate-gen|profile-migrate|sqlite3|psql|pg_\w+|export|git) ?", line):
                    print(f"{number + offset}: {line}")
    return 0


sys.exit(main(*sys.argv[1:]))
