"""Run a command as a strict container would: container.py ROOT [--mount SOURCE:PATH]… [--pid FILE] -- COMMAND…

ROOT is the whole file system, read-only; each SOURCE, a file or folder, lies over PATH in it, writable. The command is
process 1 of its own process namespace, user and group 65532, without capabilities, without a way to get any, and with the
environment of the caller. FILE gets its process id as the caller sees it. The exit status is the command's, 128+N when
signal N killed it.

It wants a mount namespace of its own and root in it. Where that root is one of a user namespace and has no user 65532, the
command gets a user namespace in which it is that.
"""
import ctypes
import os
import signal
import subprocess
import sys

USER = 65532
CLONE_NEWPID, CLONE_NEWUSER = 0x20000000, 0x10000000
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 8, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL, MNT_DETACH = 4, 2

libc = ctypes.CDLL(None, use_errno=True)


def must(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def become_user():
    """The user ids; the capabilities stay for the moment, since chroot wants one."""
    try:
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        must(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "PR_SET_KEEPCAPS")
        os.setresuid(USER, USER, USER)
    except OSError:
        must(libc.unshare(CLONE_NEWUSER), "user namespace")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{USER} 0 1"), ("gid_map", f"{USER} 0 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)


def raise_permitted():
    """Effective are those that PR_SET_KEEPCAPS left permitted."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)()
    must(libc.capget(header, data), "capget")
    data[0], data[3] = data[1], data[4]
    must(libc.capset(header, data), "capset")


def enter(root, command):
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        last = int(file.read())
    become_user()
    raise_permitted()
    os.chroot(root)
    os.chdir("/")
    for capability in range(last + 1):
        must(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "PR_CAPBSET_DROP")
    must(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "PR_CAP_AMBIENT")
    must(libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()), "capset")
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    must(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "PR_SET_PDEATHSIG")
    os.execv(command[0], command)


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def main(words):
    root, mounts, pid_file = words.pop(0), [], None
    while (word := words.pop(0)) != "--":
        if word == "--mount":
            mounts.append(words.pop(0).split(":"))
        elif word == "--pid":
            pid_file = words.pop(0)
        else:
            sys.exit(f"container.py: {word}?")
    mount("--bind", root, root)
    try:
        # Before the root is read-only: as runtimes do, which make the places for what they mount.
        for source, path in mounts:
            mount("--bind", source, root + path)
        mount("-o", "remount,bind,ro", root)
        must(libc.unshare(CLONE_NEWPID), "process namespace")
        child = os.fork()
        if child == 0:
            try:
                enter(root, words)
            except OSError as error:
                print(f"container.py: {error}", file=sys.stderr)
            os._exit(125)
        if pid_file:
            with open(pid_file, "w", encoding="ascii") as file:
                file.write(str(child))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        # Inside a chroot the mount namespace may be shared with whoever is outside.
        # No command does it: the next process would be born into the namespace whose first process has ended.
        must(libc.umount2(os.fsencode(root), MNT_DETACH), "umount")
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
