"""Run a command in a network of its own that has a name server: name_server.py PORT SOCKET COMMAND…

The name server, 127.0.0.1:53, knows one name, db.test, which is 127.0.0.1. What connects to 127.0.0.1:PORT gets to the Unix
socket SOCKET. It wants a network namespace of its own and root in it.
"""
import fcntl
import socket
import struct
import subprocess
import sys
import threading

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
NAME = b"\x02db\x04test\x00"
TYPE_A, NAME_ERROR = 1, 3


def answer(query):
    end = query.index(b"\0", 12) + 1
    name, (kind,) = query[12:end], struct.unpack("!H", query[end : end + 2])
    known = name.lower() == NAME
    records = known and kind == TYPE_A
    head = query[:2] + struct.pack("!5H", 0x8580 | (0 if known else NAME_ERROR), 1, records, 0, 0)
    record = struct.pack("!3HIH4s", 0xC00C, TYPE_A, 1, 60, 4, socket.inet_aton("127.0.0.1"))
    return head + query[12 : end + 4] + (record if records else b"")


def serve_names(server):
    while True:
        query, client = server.recvfrom(1500)
        server.sendto(answer(query), client)


def copy(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def serve_connections(server, path):
    while True:
        client, _ = server.accept()
        upstream = socket.socket(socket.AF_UNIX)
        upstream.connect(path)
        for pair in ((client, upstream), (upstream, client)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


def main():
    port, path, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fcntl.ioctl(names, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    names.bind(("127.0.0.1", 53))
    server = socket.create_server(("127.0.0.1", port))
    threading.Thread(target=serve_names, args=(names,), daemon=True).start()
    threading.Thread(target=serve_connections, args=(server, path), daemon=True).start()
    sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
