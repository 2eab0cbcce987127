"""Tries every way out of a sandbox that a program of the user's own could take, and prints what each came to, as JSON.

Read from stdin: {"outside": PID of a process outside, "secret": what its environment and its root hold, "home", "project", "sockets":
{name: path}, "abstract": name, "key": description of a key of the session, "shm": key of System V memory}. A way that worked is "done";
one that did not is the system's reason.
"""

import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
NR_REQUEST_KEY, NR_KEYCTL, NR_PTRACE = (249, 250, 101) if X86 else (218, 219, 117)
TIOCSTI = 0x5412
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
KEYCTL_READ = 11
AF_VSOCK = 40


class Refused(Exception):
    pass


def call(number, *args):
    result = libc.syscall(ctypes.c_long(number), *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def read(path):
    with open(path, "rb") as file:
        return file.read()


def append(path):
    with open(path, "a") as file:
        file.write("# by a confined program\n")
    return True


def each_process(look):
    """Whether `look` finds what it looks for in any process that is seen, ours left out."""
    own, found = os.getpid(), False
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == own:
            continue
        try:
            found = look(int(name)) or found
        except OSError:
            pass
    if not found:
        raise Refused("no process has it")
    return True


def connect(address, family=socket.AF_UNIX):
    with socket.socket(family) as client:
        client.connect(address)
    return True


def ptrace(pid):
    call(NR_PTRACE, ctypes.c_long(PTRACE_ATTACH), ctypes.c_long(pid), 0, 0)
    os.waitpid(pid, 0x40000000)
    call(NR_PTRACE, ctypes.c_long(PTRACE_DETACH), ctypes.c_long(pid), 0, 0)
    return True


def session_key(description, secret):
    key = call(NR_REQUEST_KEY, b"user", description.encode(), None, 0)
    held = ctypes.create_string_buffer(200)
    size = call(NR_KEYCTL, KEYCTL_READ, key, held, 200, 0)
    return held.raw[:size] == secret.encode()


def shared_memory(key):
    if libc.shmget(key, 16, 0o600) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return True


def type_into_terminal():
    fcntl.ioctl(0, TIOCSTI, b" ")
    return True


def setuid(program):
    effective = subprocess.run([program, "-u"], capture_output=True, text=True, check=True).stdout.strip()
    if effective != "0":
        raise Refused("it ran as uid " + effective)
    return True


def through_link(project, target, secret):
    link = os.path.join(project, "link")
    if not os.path.islink(link):
        os.symlink(target, link)
    return secret.encode() in read(link)


def move_git(project):
    os.rename(os.path.join(project, ".git"), os.path.join(project, ".git-moved"))
    os.rename(os.path.join(project, ".git-moved"), os.path.join(project, ".git"))
    return True


def own_namespace(home, secret):
    """Root of a user namespace of its own, which may mount and unmount: what lies below is looked at."""
    script = 'while umount -n "$0" 2>/dev/null; do :; done; cat "$0/.aws/credentials"'
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script, home], capture_output=True, text=True, check=False
    )
    if secret not in done.stdout:
        raise Refused(done.stderr.strip().splitlines()[-1])
    return True


def ways(given):
    home, project, secret, outside = given["home"], given["project"], given["secret"], given["outside"]
    yield "/proc/PID/root", lambda: each_process(
        lambda pid: secret.encode() in read(f"/proc/{pid}/root{home}/.aws/credentials")
    )
    yield "/proc/PID/environ", lambda: each_process(lambda pid: secret.encode() in read(f"/proc/{pid}/environ"))
    yield "/proc/PID/cwd", lambda: each_process(lambda pid: os.listdir(f"/proc/{pid}/cwd/.aws") != [])
    yield "ptrace", lambda: ptrace(outside)
    yield "a signal", lambda: os.kill(outside, 0) is None
    yield "~/.aws/credentials", lambda: secret.encode() in read(f"{home}/.aws/credentials")
    yield "~/.ssh/id_ed25519", lambda: secret.encode() in read(f"{home}/.ssh/id_ed25519")
    yield "~/.npmrc", lambda: secret.encode() in read(f"{home}/.npmrc")
    yield "~/.bashrc", lambda: append(f"{home}/.bashrc")
    yield "~/.profile", lambda: append(f"{home}/.profile")
    yield ".git/hooks", lambda: append(f"{project}/.git/hooks/post-checkout")
    yield ".git/config", lambda: append(f"{project}/.git/config")
    yield ".git moved", lambda: move_git(project)
    yield "a link out of the project", lambda: through_link(project, f"{home}/.aws/credentials", secret)
    for name, path in given["sockets"].items():
        yield name, lambda path=path: connect(path)
    yield "an abstract socket", lambda: connect("\0" + given["abstract"])
    yield "vsock", lambda: bool(socket.socket(AF_VSOCK))
    yield "a key of the session", lambda: session_key(given["key"], secret)
    yield "System V memory", lambda: shared_memory(given["shm"])
    yield "a setuid program", lambda: setuid(given["setuid"])
    yield "a user namespace", lambda: own_namespace(home, secret)
    yield "TIOCSTI", type_into_terminal
    yield "the environment", lambda: secret in str(dict(os.environ))
    yield "an inherited descriptor", lambda: os.open(".aws/credentials", os.O_RDONLY, dir_fd=30) > 0


def attempt(way):
    try:
        return "done" if way() else "it is not there"
    except Refused as refused:
        return str(refused)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))


signal.signal(signal.SIGTTOU, signal.SIG_IGN)
with open(sys.argv[1]) as told:
    print(json.dumps({name: attempt(way) for name, way in ways(json.load(told))}))
