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
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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
CL_HOT uint32_t cl_epoll_events(const struct epoll_event *event) { return event->events; }

// The calls of the hot path, made without the C library, which looks at thread cancellation first: no thread is ever
// cancelled here, and once a process has threads that look costs more than the rest of the call. What fails answers minus
// the error number, as the kernel does; errno is left alone. cl_call3 is for those that take no fourth argument: clearing its
// register is one instruction more, of the two hundred that a byte costs.
#if defined __x86_64__
CL_HOT long cl_call(long number, long first, long second, long third, long fourth) {
    register long r10 __asm__("r10") = fourth;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(first), "S"(second), "d"(third), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
CL_HOT long cl_call3(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}
#define CL_EPOLL_WAIT SYS_epoll_wait
#elif defined __aarch64__
CL_HOT long cl_call(long number, long first, long second, long third, long fourth) {
    register long x0 __asm__("x0") = first;
    register long x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third;
    register long x3 __asm__("x3") = fourth;
    register long x4 __asm__("x4") = 0;
    register long x8 __asm__("x8") = number;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8) : "memory");
    return x0;
}
CL_HOT long cl_call3(long number, long first, long second, long third) {
    register long x0 __asm__("x0") = first;
    register long x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third;
    register long x8 __asm__("x8") = number;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
    return x0;
}
// With a fifth argument of NULL it is epoll_wait, which newer machines don't have.
#define CL_EPOLL_WAIT SYS_epoll_pwait
#else
CL_HOT long cl_call(long number, long first, long second, long third, long fourth) {
    long result = syscall(number, first, second, third, fourth, 0, 0);
    return result < 0 ? -errno : result;
}
CL_HOT long cl_call3(long number, long first, long second, long third) {
    return cl_call(number, first, second, third, 0);
}
#define CL_EPOLL_WAIT SYS_epoll_pwait
#endif
CL_HOT long cl_read(int descriptor, void *bytes, size_t count) {
    return cl_call3(SYS_read, descriptor, (long)bytes, (long)count);
}
CL_HOT long cl_write(int descriptor, const void *bytes, size_t count) {
    return cl_call3(SYS_write, descriptor, (long)bytes, (long)count);
}
CL_HOT int cl_epoll_wait(int epoll, struct epoll_event *events, int capacity, int milliseconds) {
    return (int)cl_call(CL_EPOLL_WAIT, epoll, (long)events, capacity, milliseconds);
}
// Where a register of the machine does not hold a file's position, the kernel's interface differs between machines.
CL_HOT long cl_pread(int descriptor, void *bytes, size_t count, int64_t offset) {
#ifdef __LP64__
    return cl_call(SYS_pread64, descriptor, (long)bytes, (long)count, offset);
#else
    long result = pread(descriptor, bytes, count, (off_t)offset);
    return result < 0 ? -errno : result;
#endif
}
CL_HOT long cl_pwrite(int descriptor, const void *bytes, size_t count, int64_t offset) {
#ifdef __LP64__
    return cl_call(SYS_pwrite64, descriptor, (long)bytes, (long)count, offset);
#else
    long result = pwrite(descriptor, bytes, count, (off_t)offset);
    return result < 0 ? -errno : result;
#endif
}

// Waits with a deadline in nanoseconds (negative: for ever), as cl_epoll_wait otherwise; ENOSYS on kernels before 5.11.
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

// What reads the clocks: the kernel's own function, found before main, or the C library's, which would only look that up and
// call it, at the price of reading the coarse clock once more.
extern __attribute__((visibility("hidden"))) int (*cl_read_clock)(clockid_t, struct timespec *);

CL_HOT uint64_t cl_clock(clockid_t clock) {
    struct timespec time;
    cl_read_clock(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

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

// Has this child ended? It stays a zombie.
static inline int cl_has_ended(int process) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == process;
}

// Waits for a thread's end for so long; 0, or an error number.
static inline int cl_join_within(pthread_t thread, uint64_t nanoseconds) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    uint64_t sum = (uint64_t)end.tv_nsec + nanoseconds % 1000000000u;
    end.tv_sec += (time_t)(nanoseconds / 1000000000u + sum / 1000000000u);
    end.tv_nsec = (long)(sum % 1000000000u);
    return pthread_timedjoin_np(thread, NULL, &end);
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

// Lets timers of the calling thread be this late, in nanoseconds; the kernel's default is 50 us.
static inline int cl_set_timer_slack(unsigned long nanoseconds) { return prctl(PR_SET_TIMERSLACK, nanoseconds); }

static inline void cl_ignore_signal(int number) { signal(number, SIG_IGN); }

// Which thread this is: a number of its own, for as long as it lives. Costs an instruction.
CL_HOT uintptr_t cl_thread(void) { return (uintptr_t)__builtin_thread_pointer(); }
// Keeps a pointer that nobody should use any more, and gives back the one that has been kept for longest, NULL at first.
void *cl_quarantine(void *pointer);
static inline int cl_thread_id(void) { return (int)syscall(SYS_gettid); }
static inline int cl_signal_thread(int thread, int number) {
    return (int)syscall(SYS_tgkill, getpid(), thread, number);
}

// Makes every running thread of this process pass a full memory barrier, so that the threads that matter need none of
// their own. 0 when the kernel can; registers at the first call.
int cl_barrier_all_threads(void);

// A signal whose only effect is that a system call under way returns EINTR; the calling thread can get it from then on.
int cl_install_interrupter(int number);

// bind and connect to a pathname or, with `abstract`, to a name in Linux's abstract namespace. ENAMETOOLONG when it does
// not fit. (The libc's own functions take an address by a union that Swift cannot build.)
int cl_unix_bind(int socket, const char *name, size_t length, int abstract);
int cl_unix_connect(int socket, const char *name, size_t length, int abstract);

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

// A connection without its address: the type of that parameter is a union that Swift does not import.
static inline int cl_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

// The requests of linux/ipmi_bmc.h, the kernel's IPMI KCS nodes. All of them go without an argument.
static inline int cl_ipmi_set_attention(int descriptor, int on) { return ioctl(descriptor, _IO(0xB1, on ? 0x00 : 0x01)); }
static inline int cl_ipmi_force_abort(int descriptor) { return ioctl(descriptor, _IO(0xB1, 0x02)); }

// Who has the other end of a local socket: the process, and what it ran as when it connected. 0, or -1 with errno.
int cl_peer(int socket, int32_t *process, uint32_t *user, uint32_t *group);
// The supplementary groups of the other end, at most `capacity`: how many, or -1 with errno (ERANGE: there are more).
int cl_peer_groups(int socket, uint32_t *groups, int capacity);
// The pathname that a local socket is bound to: its length, 0 for none, or -1 with errno.
int cl_unix_name(int socket, char *name, size_t capacity);

// A descriptor that becomes readable when a process ends; -1 with errno (ENOSYS before Linux 5.3).
static inline int cl_process_descriptor(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// Takes a lock that ends with the descriptor, without waiting.
static inline int cl_try_lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

// Real-time scheduling of the calling thread; threads and programs that it starts are ordinary ones. 0, or -1 with errno.
static inline int cl_set_fifo(int priority) {
    struct sched_param parameter = {.sched_priority = priority};
    return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter);
}
// Keeps the calling thread on one processor; what it starts stays there too, unless it is released. 0, or -1 with errno.
int cl_set_processor(int processor);
// Lets a process run where this one could before cl_set_processor; does nothing when that was never called.
void cl_release_from_processor(pid_t process);
// Keeps in memory what the process has and will have: the programs' and libraries' own pages now, others once they are
// used, so that the stacks of threads cost what is used of them. 0, or -1 with errno: EPERM when the process may not lock
// as much as it likes, since it would later run out of memory at any point.
int cl_lock_memory(void);
// What is at most locked without a capability; all ones for no limit.
uint64_t cl_memory_lock_limit(void);

#endif
