#!/usr/bin/env python3
"""
Runs a command whose stdin, stdout and stderr are a terminal, and answers what it asks:

    answer.py ANSWER… -- COMMAND…

Each line that ends in "[y/N] " gets the next ANSWER and Enter. What stood on the terminal goes to stdout; the exit status
is the command's, or 99 when a question had no answer, or an answer no question, within a minute.
"""
import os, pty, sys, time


def main():
    words = sys.argv[1:]
    answers, command = words[:words.index("--")], words[words.index("--") + 1:]
    child, fd = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    seen, end, asked = b"", time.monotonic() + 60, 0
    while time.monotonic() < end:
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""
        if not data:
            break
        seen += data
        while seen.count(b"[y/N] ") > asked:
            if asked == len(answers):
                os.kill(child, 9)
                sys.exit(99)
            os.write(fd, answers[asked].encode() + b"\n")
            asked += 1
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.stdout.write(seen.decode(errors="replace").replace("\r\n", "\n"))
    sys.exit(status if asked == len(answers) else 99)


main()
