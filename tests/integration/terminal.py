#!/usr/bin/env python3
"""
Runs a command whose stderr is a terminal of so many columns, and shows what a person sees there:

    terminal.py COLUMNS [--stdout] [--step REGEX ACTION]… -- COMMAND…

Leaves three files: "screen", the lines that stand on the terminal at the end; "frames", every progress line that was
drawn, as "COLUMNS-OF-THE-TERMINAL TEXT" with colours as <31> and <>; "stdout", what the command printed there (with
--stdout that is the terminal, too). Each --step waits until a progress line matches REGEX, in the order given, and then
does its ACTION: "resize N", "signal NAME", or "run COMMAND" for the shell.

The terminal knows \\r, \\n, ESC [ K and colours; anything else, and a progress line that would wrap, ends the run with exit
status 99. So does a run that takes longer than a minute. Otherwise the exit status is the command's, or 128 + its signal.
"""
import fcntl, os, re, signal, struct, subprocess, sys, termios, time


class Terminal:
    def __init__(self, columns):
        self.columns, self.lines, self.line, self.at, self.frames = columns, [], [], 0, []
        self.colour, self.frame, self.rest, self.grace = "", "", b"", 0

    def resize(self, fd, columns):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        # What was on its way when the size changed has the width of before.
        self.columns, self.grace = columns, time.monotonic() + 0.4

    def put(self, c):
        self.line[self.at:self.at + 1] = [c]
        self.at += 1
        self.frame += c

    def erase(self):
        del self.line[self.at:]
        if self.at:
            if len(self.line) >= self.columns and time.monotonic() > self.grace:
                raise Garbled(f"wraps at {self.columns} columns: {self.frame}")
            self.frames.append(f"{self.columns} {self.frame}")
        self.frame = ""

    def feed(self, data):
        # A sequence that is not whole waits for its rest.
        text = self.rest + data
        while text:
            m = re.match(rb"\x1b\[([0-9;]*)([A-Za-z])", text)
            if m and m[2] == b"K" and not m[1]:
                self.erase()
            elif m and m[2] == b"m":
                self.frame += f"<{m[1].decode()}>"
            elif m:
                raise Garbled(f"unknown sequence {m[0]!r}")
            elif text[0] == 0x1B:
                break
            elif text[0] == 0x0D:
                self.at, self.frame = 0, ""
                m = text[:1]
            elif text[0] == 0x0A:
                self.lines.append("".join(self.line))
                self.line, self.at, self.frame = [], 0, ""
                m = text[:1]
            elif text[0] < 0x20 or text[0] == 0x7F:
                raise Garbled(f"control byte {text[0]:#x}")
            else:
                m = re.match(rb"[\x20-\x7e]|[\xc2-\xdf].|[\xe0-\xef]..|[\xf0-\xf4]...", text, re.S)
                if not m:
                    if len(text) >= 4:
                        raise Garbled(f"no UTF-8: {text[:4]!r}")
                    break
                self.put(m[0].decode())
            text = text[len(m[0] if isinstance(m, re.Match) else m):]
        self.rest = text


class Garbled(Exception):
    pass


def act(action, terminal, master, process):
    word, _, rest = action.partition(" ")
    if word == "resize":
        terminal.resize(master, int(rest))
    elif word == "signal":
        process.send_signal(getattr(signal, rest))
    else:
        subprocess.run(rest, shell=True, check=True)


def watch(terminal, master, process, steps):
    end, seen = time.monotonic() + 60, 0
    os.set_blocking(master, False)
    while True:
        try:
            data = os.read(master, 65536)
        except BlockingIOError:
            data = None
            time.sleep(0.01)
        except OSError:
            break  # nobody has the terminal open any more
        if data == b"":
            break
        terminal.feed(data or b"")
        while steps and seen < len(terminal.frames):
            if re.search(steps[0][0], terminal.frames[seen]):
                act(steps.pop(0)[1], terminal, master, process)
            seen += 1
        if time.monotonic() > end:
            process.kill()
            raise Garbled("takes too long" + (f": never saw {steps[0][0]}" if steps else ""))
    process.wait()
    if steps:
        raise Garbled(f"never saw {steps[0][0]}")


def main():
    words = sys.argv[1:]
    command = words[words.index("--") + 1:]
    options = words[1:words.index("--")]
    steps = [(options[i + 1], options[i + 2]) for i, word in enumerate(options) if word == "--step"]
    terminal = Terminal(int(words[0]))
    master, slave = os.openpty()
    terminal.resize(slave, terminal.columns)
    terminal.grace = 0
    with open("stdout", "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=slave,
                                   stdout=slave if "--stdout" in options else out)
    os.close(slave)
    status = 0
    try:
        watch(terminal, master, process, steps)
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        if terminal.line:
            raise Garbled("the last line is left standing: " + "".join(terminal.line))
    except Garbled as garbled:
        process.kill()
        print(f"terminal: {garbled}")
        status = 99
    for name, lines in (("screen", terminal.lines), ("frames", terminal.frames)):
        with open(name, "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in lines)
    sys.exit(status)


main()
