// SPDX-License-Identifier: Apache-2.0
//
// Kernel and libc interfaces that Swift cannot import by itself: variadic calls, macros with casts, errno, atomics on
// shared memory. Shims only, no logic.
#ifndef CLINUX_H
#define CLINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// On the hot path: inlined also where the caller is compiled for size.
#define CL_HOT static inline __attribute__((always_inline))

// The process's arguments, saved by a constructor: Embedded Swift has no CommandLine.
int cl_argument_count(void);
const char *cl_argument(int index);
extern char **environ;
static inline char *const *cl_environment(void) { return environ; }

static inline int cl_errno(void) { return errno; }
static inline void cl_set_errno(int value) { errno = value; }

// Variadic in libc.
static inline int cl_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
static inline int cl_openat(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags, mode);
}
static inline int cl_fcntl(int descriptor, int command, int argument) { return fcntl(descriptor, command, argument); }
static inline int cl_ioctl(int descriptor, unsigned long request, void *argument) {
    return ioctl(descriptor, request, argument);
}

// MAP_FAILED is a cast that Swift does not import: NULL stands for it here.
static inline void *cl_mmap(size_t length, int protection, int flags, int descriptor, int64_t offset) {
    void *base = mmap(NULL, length, protection, flags, descriptor, (off_t)offset);
    return base == MAP_FAILED ? NULL : base;
}

// struct epoll_event is packed and holds a union: one record, one word of user data.
static inline int cl_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(epoll, operation, descriptor, &event);
}
CL_HOT uint64_t cl_epoll_data(const struct epoll_event *event) { return event->data.u64; }

// epoll_pwait2(2), which not every libc has: nanoseconds, negative for ever. Minus the error number; ENOSYS before Linux 5.11.
static inline int cl_epoll_pwait2(int epoll, struct epoll_event *events, int capacity, int64_t nanoseconds) {
#ifdef SYS_epoll_pwait2
    struct {
        int64_t seconds, nanoseconds;
    } timeout = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    long result = syscall(SYS_epoll_pwait2, epoll, events, capacity, nanoseconds < 0 ? NULL : &timeout, NULL, 0);
    return (int)(result < 0 ? -errno : result);
#else
    (void)epoll, (void)events, (void)capacity, (void)nanoseconds;
    return -ENOSYS;
#endif
}

// struct ifreq is made of unions. Packets of this interface have struct tun_pi in front; MCTP's are known by it only.
static inline int cl_tun_attach(int descriptor, const char *name) {
    struct ifreq request = {.ifr_flags = IFF_TUN};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    return ioctl(descriptor, TUNSETIFF, &request);
}
static inline int cl_tun_carrier(int descriptor, int on) { return ioctl(descriptor, TUNSETCARRIER, &on); }

// /dev/aspeed-lpc-ctrl (linux/aspeed-lpc-ctrl.h, which few machines have).
struct cl_lpc_mapping {
    uint8_t window_type;
    uint8_t window_id;
    uint16_t flags;
    uint32_t addr;
    uint32_t offset;
    uint32_t size;
};
#define CL_LPC_WINDOW_MEMORY 2
static const unsigned long CL_LPC_GET_SIZE = _IOWR(0xb2, 0x00, struct cl_lpc_mapping);
static const unsigned long CL_LPC_MAP = _IOW(0xb2, 0x01, struct cl_lpc_mapping);

// wait status macros
static inline int cl_exited(int status) { return WIFEXITED(status); }
static inline int cl_exit_status(int status) { return WEXITSTATUS(status); }
static inline int cl_signalled(int status) { return WIFSIGNALED(status); }
static inline int cl_termination_signal(int status) { return WTERMSIG(status); }

// siginfo_t is made of unions: does waitid(2) find this child ended? It stays a zombie.
static inline int cl_has_ended(int process) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == process;
}

// Atomics on words that other processes or threads share. Sequentially consistent unless named otherwise.
CL_HOT uint64_t cl_load64(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
CL_HOT void cl_store64(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }
CL_HOT uint64_t cl_load64_relaxed(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
CL_HOT void cl_store64_relaxed(uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}
static inline void cl_store64_release(uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
static inline uint64_t cl_load64_acquire(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
CL_HOT uint64_t cl_add64(uint64_t *word, uint64_t value) {
    return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}
// Returns what was found: the exchange took place when that equals `expected`.
CL_HOT uint64_t cl_compare_exchange64(uint64_t *word, uint64_t expected, uint64_t desired) {
    __atomic_compare_exchange_n(word, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}
static inline uint32_t cl_load32(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void cl_store32(uint32_t *word, uint32_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }
static inline uint32_t cl_exchange32(uint32_t *word, uint32_t value) {
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}
static inline uint32_t cl_add32(uint32_t *word, uint32_t value) {
    return __atomic_fetch_add(word, value, __ATOMIC_SEQ_CST);
}

// Swift cannot tell the function from the structure of that name.
static inline int cl_stat(const char *path, struct stat *status) { return stat(path, status); }

// Macros with casts or struct members that Swift does not import alike everywhere.
static inline int64_t cl_modified_nanoseconds(const struct stat *status) {
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}
static inline int cl_is_directory(const struct stat *status) { return S_ISDIR(status->st_mode); }
static inline int cl_is_regular(const struct stat *status) { return S_ISREG(status->st_mode); }
static inline int cl_is_character_device(const struct stat *status) { return S_ISCHR(status->st_mode); }
static inline const char *cl_entry_name(const struct dirent *entry) { return entry->d_name; }

// prctl(2) is variadic.
static inline int cl_prctl(int option, unsigned long argument) { return prctl(option, argument, 0, 0, 0); }
static inline int cl_set_timer_slack(unsigned long nanoseconds) { return cl_prctl(PR_SET_TIMERSLACK, nanoseconds); }

// Which thread this is: a number of its own, for as long as it lives. Costs an instruction.
CL_HOT uintptr_t cl_thread(void) { return (uintptr_t)__builtin_thread_pointer(); }
static inline int cl_thread_id(void) { return (int)syscall(SYS_gettid); }
static inline int cl_signal_thread(int thread, int number) {
    return (int)syscall(SYS_tgkill, getpid(), thread, number);
}


// struct sigaction holds a union, and SIG_IGN is a cast. Without SA_RESTART.
static inline int cl_handle_signal(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};
    return sigaction(number, &action, NULL);
}
static inline int cl_ignore_signal(int number) { return cl_handle_signal(number, SIG_IGN); }

// The socket functions take an address by a union of pointers that Swift does not build.
static inline int cl_bind(int socket, const struct sockaddr_un *address, socklen_t size) {
    return bind(socket, (const struct sockaddr *)address, size);
}
static inline int cl_connect(int socket, const struct sockaddr_un *address, socklen_t size) {
    return connect(socket, (const struct sockaddr *)address, size);
}
static inline int cl_socket_name(int socket, struct sockaddr_un *address, socklen_t *size) {
    return getsockname(socket, (struct sockaddr *)address, size);
}
static inline int cl_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

// A lock on a whole file that belongs to the open file, not to the process, and ends with it. Asking whether somebody
// holds it takes nothing.
static inline int cl_lock_file(int descriptor) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}
static inline int cl_unlock_file(int descriptor) {
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_SETLK, &lock);
}
// 1: another open file holds it, 0: nobody does, -1: see errno.
static inline int cl_file_is_locked(int descriptor) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_GETLK, &lock) < 0 ? -1 : lock.l_type != F_UNLCK;
}

// Copies from and to memory that somebody else may change at any time. The compiler may neither read the shared side
// again later, nor take a later read of the copy for one of the original.
static inline void cl_copy_from_shared(void *private_bytes, const void *shared, size_t count) {
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    memcpy(private_bytes, shared, count);
    __asm__ volatile("" ::: "memory");
}
static inline void cl_copy_to_shared(void *shared, const void *private_bytes, size_t count) {
    memcpy(shared, private_bytes, count);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __asm__ volatile("" ::: "memory");
}

// The requests of linux/ipmi_bmc.h, the kernel's IPMI KCS nodes. All of them go without an argument.
static inline int cl_ipmi_set_attention(int descriptor, int on) { return ioctl(descriptor, _IO(0xB1, on ? 0x00 : 0x01)); }
static inline int cl_ipmi_force_abort(int descriptor) { return ioctl(descriptor, _IO(0xB1, 0x02)); }

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

// A descriptor that becomes readable when a process ends; -1 with errno (ENOSYS before Linux 5.3).
static inline int cl_process_descriptor(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// flock(2): Swift cannot tell the function from the structure of that name.
static inline int cl_flock(int descriptor, int operation) { return flock(descriptor, operation); }

// cpu_set_t is filled by macros.
static inline int cl_set_processor(int processor) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)processor, &one);
    return sched_setaffinity(0, sizeof one, &one);
}

// What getrlimit(2) takes is an enumeration in one libc and a number in the other.
static const int CL_LIMIT_DESCRIPTORS = RLIMIT_NOFILE;
static const int CL_LIMIT_MEMORY_LOCK = RLIMIT_MEMLOCK;
static inline int cl_get_limit(int resource, struct rlimit *limit) { return getrlimit(resource, limit); }
// `process` 0: the calling one.
static inline int cl_set_limit(int process, int resource, const struct rlimit *limit) {
    return prlimit(process, resource, limit, NULL);
}

// capget(2), for which there is no function in libc: is the capability, below 64, in the effective set?
int cl_has_capability(int capability);
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

// dl_iterate_phdr(3): the loaded parts of this program and its libraries, as `ElfW(Phdr)` has another name on each machine.
void cl_each_segment(void (*visit)(void *address, size_t length));

// What a process gives up for good; see Confine.c. 0, or an error number; of the first, a descriptor, or -1.
int cl_confine(uint64_t memory);
int cl_landlock_begin(void);
int cl_landlock_allow(int rules, const char *path, int writable);
int cl_landlock_enforce(int rules);

// Stores into the part of the calling thread's stack that deep calls use: only a volatile store is sure to be made.
void cl_touch_stack(void);

#endif
