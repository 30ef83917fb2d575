#!/usr/bin/env python3
"""A stand-in for a PostgreSQL server, or for what lies between us and one.

    forward.py HOST:PORT TARGET [--answers N] [--until-eof]

Listens on HOST:PORT (0: a free one), says "listening PORT", and then a line for each connection. TARGET is where a
connection leads: HOST:PORT, the path of a Unix socket, "silence" (it is taken, and nothing is ever said), or "nobody"
(it is taken and closed at once). With --answers N only what the server says until it was ready for a query N times comes
through; after that it is silent, while whatever the client says still reaches the server. With --until-eof it ends with
its standard input.
"""
import argparse
import os
import socket
import sys
import threading

READY = b"Z\x00\x00\x00\x05"


def connect(target):
    if target.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.connect(target)
        return s
    host, port = target.rsplit(":", 1)
    return socket.create_connection((host, int(port)))


def up_to_answer(seen, data, answers):
    """How much of `data`, which follows `seen`, belongs to the first `answers` answers; whether that is all of them."""
    whole, end = seen + data, 0
    for _ in range(answers):
        at = whole.find(READY, end)
        if at < 0:
            return len(data), False
        end = at + len(READY) + 1
    return max(end - len(seen), 0), True


def copy(source, sink, answers):
    seen, silent = b"", False
    try:
        while data := source.recv(65536):
            if answers is not None and not silent:
                n, silent = up_to_answer(seen, data, answers)
                seen += data
                sink.sendall(data[:n])
            elif not silent:
                sink.sendall(data)
    except OSError:
        pass
    if silent:
        return  # not a word, not even that the server is gone
    for s in (source, sink):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, target, answers):
    server = None
    try:
        server = connect(target)
        back = threading.Thread(target=copy, args=(server, client, answers), daemon=True)
        back.start()
        copy(client, server, None)
        back.join(0 if answers is not None else None)
    except OSError:
        pass
    finally:
        client.close()
        if server:
            server.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("listen")
    p.add_argument("target")
    p.add_argument("--answers", type=int)
    p.add_argument("--until-eof", action="store_true")
    o = p.parse_args()
    if o.until_eof:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    host, port = o.listen.rsplit(":", 1)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    listener.listen(64)
    print("listening", listener.getsockname()[1], flush=True)
    held = []
    while True:
        client, _ = listener.accept()
        print("connection", flush=True)
        if o.target == "silence":
            held.append(client)
        elif o.target == "nobody":
            client.close()
        else:
            threading.Thread(target=serve, args=(client, o.target, o.answers), daemon=True).start()


main()
