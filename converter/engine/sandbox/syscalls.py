"""The system calls that no media tool needs, by number, and the filter that refuses them.

Refused with EPERM rather than by death: a library that merely tries one (a name service asking
for a socket) goes on without it. Processes are refused too; threads are not.

Imported by `launch` by its bare name, so it must import nothing of the project.
"""

from __future__ import annotations

# name: (x86-64, aarch64); None where the machine has no such call.
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # the network, and every other way to talk to somebody
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "sendto": (44, 206), "recvfrom": (45, 207),
    "sendmsg": (46, 211), "recvmsg": (47, 212), "bind": (49, 200), "listen": (50, 201), "socketpair": (53, 199),
    "accept4": (288, 242), "recvmmsg": (299, 243), "sendmmsg": (307, 269), "mq_open": (240, 180),
    "msgget": (68, 186), "semget": (64, 190), "shmget": (29, 194),
    # other processes
    "fork": (57, None), "vfork": (58, None), "ptrace": (101, 117), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "process_mrelease": (448, 448), "migrate_pages": (256, 238), "move_pages": (279, 239),
    # other programs than the one it was started as
    "execveat": (322, 281), "memfd_create": (319, 279), "memfd_secret": (447, 447), "personality": (135, 92),
    # links that would make somebody else follow them
    "link": (86, None), "symlink": (88, None), "linkat": (265, 37), "symlinkat": (266, 36), "mknod": (133, None), "mknodat": (259, 33),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    # name spaces and mounts
    "chroot": (161, 51), "pivot_root": (155, 41), "mount": (165, 40), "umount2": (166, 39), "unshare": (272, 97), "setns": (308, 268),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60),
    # the kernel's wide surfaces
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "fanotify_init": (300, 262),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # the machine itself
    "reboot": (169, 142), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "iopl": (172, None), "ioperm": (173, None), "acct": (163, 89), "syslog": (103, 116),
    "sethostname": (170, 161), "setdomainname": (171, 162), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "clock_adjtime": (305, 266), "adjtimex": (159, 171), "vhangup": (153, 58), "lookup_dcookie": (212, 18),
}  # fmt: skip
_FOR_FORKS = frozenset({"fork", "recvmsg"})
"""What a process needs that waits for files and makes a copy of itself for each."""
_LAST: dict[str, tuple[int | None, int | None]] = {"setsid": (112, 157), "setpgid": (109, 154), "prctl": (157, 167)}
"""What would let such a copy outlive the one that watches it."""
_CLONE3 = 435
_CLONE, _KILL, _TGKILL, _PRLIMIT = (56, 220), (62, 129), (234, 131), (302, 261)

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine name: column of the tables, and the kernel's number of the architecture."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
# New time, mount, cgroup, UTS, IPC, user, pid and network name spaces.
_CLONE_SPACES = 0x00000080 | 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, operand."""


def program(machine: str, pid: int | None, *, forks: bool = False) -> list[Instruction]:
    """The filter for a process that will stay `pid`, or for copies that may do least (None); see `launch.fence`.

    Raises `KeyError` for a machine that is not known.
    """
    column, architecture = MACHINES[machine]
    refuse: Instruction = (_RETURN, 0, 0, _ERRNO | _EPERM)
    allow: Instruction = (_RETURN, 0, 0, _ALLOW)
    code: list[Instruction] = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL_PROCESS), (_LOAD, 0, 0, _NUMBER)]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL_PROCESS)]
    for name, numbers in ((_REFUSED | _LAST) if pid is None else _REFUSED).items():
        number = numbers[column]
        if number is not None and not (forks and name in _FOR_FORKS):
            code += [(_EQUAL, 0, 1, number), refuse]
    # The flags of clone3 lie behind a pointer; told that it does not exist, libraries take clone.
    code += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERRNO | _ENOSYS)]
    argument: Instruction = (_LOAD, 0, 0, _FIRST_ARGUMENT)
    skip = 1 if forks else 0
    code += [(_EQUAL, 0, 6, _CLONE[column]), argument, (_ANY_BIT, 1, skip, _CLONE_THREAD), refuse, (_ANY_BIT, 0, 1, _CLONE_SPACES), refuse, allow]
    for numbers_of_self in (_KILL, _TGKILL):
        mine: list[Instruction] = [] if pid is None else [(_EQUAL, 0, 1, pid), allow]
        code += [(_EQUAL, 0, 2 + len(mine), numbers_of_self[column]), argument, *mine, refuse]
    mine = [] if pid is None else [(_EQUAL, 0, 1, pid)]
    code += [(_EQUAL, 0, 4 + len(mine), _PRLIMIT[column]), argument, (_EQUAL, 1 if mine else 0, 0 if mine else 1, 0), *mine, allow, refuse]
    return [*code, allow]
