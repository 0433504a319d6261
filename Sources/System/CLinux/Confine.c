// SPDX-License-Identifier: Apache-2.0
//
// What a process gives up for good before it runs somebody else's code: system calls that neither this program nor its
// plugins need (seccomp(2)), files that they were not given (landlock(7)), privileges, and memory without end. Built in C:
// the filter is made of macros.
#include "CLinux.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CL_SANITIZED 1
#endif
#endif

#if defined(__x86_64__)
#define CL_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CL_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define CL_ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__i386__)
#define CL_ARCHITECTURE AUDIT_ARCH_I386
#endif

#ifdef CL_ARCHITECTURE
// Those of each byte first.
static const uint16_t allowed[] = {
#define ALLOW(name) SYS_##name,
#ifdef SYS_epoll_wait
    ALLOW(epoll_wait)
#endif
    ALLOW(epoll_pwait) 441, /* epoll_pwait2 */
    444, 445, 446,          /* landlock_create_ruleset, landlock_add_rule, landlock_restrict_self */
    ALLOW(pread64) ALLOW(pwrite64) ALLOW(read) ALLOW(write) ALLOW(epoll_ctl) ALLOW(futex) ALLOW(ppoll) ALLOW(clock_gettime)
    ALLOW(clock_nanosleep) ALLOW(nanosleep) ALLOW(timerfd_settime) ALLOW(timerfd_gettime) ALLOW(timerfd_create)
    ALLOW(clock_getres) ALLOW(gettimeofday) ALLOW(sendto) ALLOW(recvfrom) ALLOW(sendmsg) ALLOW(recvmsg) ALLOW(readv)
    ALLOW(writev) ALLOW(openat) ALLOW(close) ALLOW(fstat) ALLOW(lseek) ALLOW(munmap) ALLOW(mprotect) ALLOW(mremap)
    ALLOW(madvise) ALLOW(brk) ALLOW(rt_sigaction) ALLOW(rt_sigprocmask) ALLOW(rt_sigreturn) ALLOW(sigaltstack)
    ALLOW(restart_syscall) ALLOW(epoll_create1) ALLOW(eventfd2) ALLOW(signalfd4) ALLOW(pipe2) ALLOW(dup) ALLOW(dup3)
    ALLOW(connect) ALLOW(bind) ALLOW(listen) ALLOW(accept4) ALLOW(shutdown) ALLOW(setsockopt) ALLOW(getsockopt)
    ALLOW(getsockname) ALLOW(getpeername) ALLOW(socketpair) ALLOW(ftruncate) ALLOW(truncate) ALLOW(fallocate) ALLOW(fsync)
    ALLOW(fdatasync) ALLOW(flock) ALLOW(renameat) ALLOW(unlinkat) ALLOW(mkdirat) ALLOW(linkat) ALLOW(symlinkat)
    ALLOW(mknodat) ALLOW(readlinkat) ALLOW(faccessat) ALLOW(fchmod) ALLOW(fchmodat) ALLOW(fchown) ALLOW(getdents64) ALLOW(getcwd)
    ALLOW(umask) ALLOW(utimensat) ALLOW(statfs) ALLOW(fstatfs) ALLOW(getxattr) ALLOW(fgetxattr) ALLOW(inotify_init1)
    ALLOW(inotify_add_watch) ALLOW(inotify_rm_watch) ALLOW(getrandom) ALLOW(memfd_create) ALLOW(getpid) ALLOW(getppid)
    ALLOW(gettid) ALLOW(getuid) ALLOW(geteuid) ALLOW(getgid) ALLOW(getegid) ALLOW(uname) ALLOW(sysinfo) ALLOW(prctl)
    ALLOW(prlimit64) ALLOW(getrusage) ALLOW(times) ALLOW(sched_yield) ALLOW(sched_getaffinity) ALLOW(sched_getscheduler)
    ALLOW(sched_setscheduler) ALLOW(sched_getparam) ALLOW(sched_get_priority_max) ALLOW(sched_get_priority_min)
    ALLOW(set_robust_list) ALLOW(set_tid_address) ALLOW(membarrier) ALLOW(mlock) ALLOW(munlock) ALLOW(msync) ALLOW(mincore)
    ALLOW(wait4) ALLOW(waitid) ALLOW(exit) ALLOW(exit_group) ALLOW(fcntl)
#ifdef SYS_mmap
    ALLOW(mmap)
#endif
#ifdef SYS_newfstatat
    ALLOW(newfstatat)
#endif
#ifdef SYS_statx
    ALLOW(statx)
#endif
#ifdef SYS_renameat2
    ALLOW(renameat2)
#endif
#ifdef SYS_rseq
    ALLOW(rseq)
#endif
#ifdef SYS_faccessat2
    ALLOW(faccessat2)
#endif
#ifdef SYS_open
    ALLOW(open) ALLOW(stat) ALLOW(lstat) ALLOW(access) ALLOW(readlink) ALLOW(rename) ALLOW(unlink) ALLOW(mkdir) ALLOW(rmdir)
    ALLOW(link) ALLOW(symlink) ALLOW(chmod) ALLOW(poll) ALLOW(pipe) ALLOW(dup2) ALLOW(epoll_create)
#endif
#ifdef SYS_select
    ALLOW(select)
#endif
#ifdef SYS__newselect
    ALLOW(_newselect)
#endif
#ifdef SYS_pselect6
    ALLOW(pselect6)
#endif
#ifdef SYS_time
    ALLOW(time)
#endif
#ifdef SYS_getrlimit
    ALLOW(getrlimit)
#endif
#ifdef SYS_ugetrlimit
    ALLOW(ugetrlimit)
#endif
#ifdef SYS_arch_prctl
    ALLOW(arch_prctl)
#endif
#ifdef SYS_mmap2
    /* 32 bit: the same with wider arguments. */
    ALLOW(mmap2) ALLOW(_llseek) ALLOW(fcntl64) ALLOW(fstat64) ALLOW(stat64) ALLOW(lstat64) ALLOW(fstatat64) ALLOW(ftruncate64)
    ALLOW(truncate64) ALLOW(statfs64) ALLOW(fstatfs64) ALLOW(getuid32) ALLOW(geteuid32) ALLOW(getgid32) ALLOW(getegid32)
    ALLOW(fchown32) ALLOW(sigreturn)
#endif
#if defined(__arm__) || defined(__i386__)
    /* With 64-bit times, where long has 32 bits: clock_gettime64 to futex_time64. */
    403, 406, 407, 408, 409, 410, 411, 412, 413, 414, 417, 422, 423,
#endif
};
#endif

#ifdef CL_ARCHITECTURE
enum { ENTRIES = sizeof allowed / sizeof allowed[0], MOST = 2 * ENTRIES + 64 };

struct program {
    struct sock_filter code[MOST];
    unsigned short length;
};

static void add(struct program *program, uint16_t code, uint8_t yes, uint8_t no, uint32_t value) {
    program->code[program->length++] = (struct sock_filter){code, yes, no, value};
}
static void answer(struct program *program, uint32_t action) { add(program, BPF_RET | BPF_K, 0, 0, action); }
static void load(struct program *program, size_t offset) { add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset); }
// The low half of a call's argument, on little-endian machines.
static void load_argument(struct program *program, int index) {
    load(program, offsetof(struct seccomp_data, args) + 8 * (size_t)index);
}

static const uint32_t refused = SECCOMP_RET_ERRNO | EPERM;

// A call that is allowed for one value of an argument only.
static void allow_if_equal(struct program *program, uint32_t number, int argument, uint32_t value) {
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, number);
    load_argument(program, argument);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
    answer(program, SECCOMP_RET_ALLOW);
    answer(program, refused);
}

static int filter(void) {
    static struct program program;
    program.length = 0;
    load(&program, offsetof(struct seccomp_data, arch));
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, CL_ARCHITECTURE);
    answer(&program, refused);
    load(&program, offsetof(struct seccomp_data, nr));
    for (size_t entry = 0; entry < ENTRIES; entry++) {
        add(&program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, allowed[entry]);
        answer(&program, SECCOMP_RET_ALLOW);
    }
    // Signals for itself, local sockets, and no answer typed into a terminal.
    allow_if_equal(&program, SYS_tgkill, 0, (uint32_t)getpid());
    allow_if_equal(&program, SYS_kill, 0, (uint32_t)getpid());
    allow_if_equal(&program, SYS_socket, 0, AF_UNIX);
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, SYS_ioctl);
    load_argument(&program, 1);
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, TIOCSTI);
    answer(&program, refused);
    answer(&program, SECCOMP_RET_ALLOW);
    // Threads, and no processes; clone3 keeps its flags in memory, where no filter sees them: libc does without.
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, SYS_clone);
    load_argument(&program, 0);
    add(&program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, CLONE_THREAD);
    answer(&program, SECCOMP_RET_ALLOW);
    answer(&program, refused);
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 435);
    answer(&program, SECCOMP_RET_ERRNO | ENOSYS);
#ifdef __arm__
    // set_tls and cacheflush.
    add(&program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0xf0000);
    answer(&program, SECCOMP_RET_ALLOW);
#endif
    answer(&program, refused);
    struct sock_fprog loaded = {program.length, program.code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &loaded, 0, 0) == 0 ? 0 : errno;
}
#else
static int filter(void) { return ENOSYS; }
#endif

static void limit(int resource, rlim_t most) {
    struct rlimit now;
    if (getrlimit(resource, &now) == 0 && (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)) {
        now.rlim_cur = now.rlim_max = most;
        setrlimit(resource, &now);
    }
}

// Every capability, of those that it has and those that a program could get.
static void drop_capabilities(void) {
    for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {
    }
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    syscall(SYS_capset, &header, none);
}

int cl_confine(uint64_t memory) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return errno;
    }
    limit(RLIMIT_CORE, 0);
    drop_capabilities();
#ifdef CL_SANITIZED
    (void)memory, (void)filter;
    return 0;
#else
    limit(RLIMIT_DATA, (rlim_t)memory);
    return filter();
#endif
}

// landlock(7), which not every libc knows. Rights of its first version, and what later ones split from them.
enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    EVERYTHING = (1 << 13) - 1,
    REFER = 1 << 13,
    TRUNCATE = 1 << 14,
    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
};

static uint64_t known;

int cl_landlock_begin(void) {
    long version = syscall(444, NULL, 0, 1);
    if (version < 1) {
        return -1;
    }
    known = EVERYTHING | (version >= 2 ? REFER : 0) | (version >= 3 ? TRUNCATE : 0);
    struct {
        uint64_t files;
    } rules = {known};
    return (int)syscall(444, &rules, sizeof rules, 0);
}

int cl_landlock_allow(int rules, const char *path, int writable) {
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0) {
        return errno;
    }
    struct stat status;
    uint64_t rights = writable ? known & ~(uint64_t)EXECUTE : EXECUTE | READ_FILE | READ_DIR;
    if (fstat(file, &status) == 0 && !S_ISDIR(status.st_mode)) {
        rights &= OF_FILES;
    }
    struct {
        uint64_t rights;
        int32_t file;
    } __attribute__((packed)) rule = {rights & known, file};
    int failure = syscall(445, rules, 1, &rule, 0) == 0 ? 0 : errno;
    close(file);
    return failure;
}

int cl_landlock_enforce(int rules) {
    int failure = syscall(446, rules, 0) == 0 ? 0 : errno;
    close(rules);
    return failure;
}
