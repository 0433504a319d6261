// SPDX-License-Identifier: Apache-2.0
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "CCapture.h"

#include <poll.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct place {
    const void *base;  // NULL: free. Written last on adding, first on removing.
    size_t length;
    char channel[CC_NAME];
    char plugin[CC_NAME];
};

static struct place places[CC_RINGS];
// The loop's thread writes them, and a signal handler or the watchdog's thread reads them.
static int culprit_ring = -1;
static const char *culprit_callback;
static int dump_descriptor = -1;

// Not strncpy: it may leave the end out, and strlcpy is not in every libc.
static void copy_name(char *to, const char *from, size_t room) {
    size_t index = 0;
    for (; from && from[index] && index + 1 < room; index++) {
        to[index] = from[index];
    }
    for (; index < room; index++) {
        to[index] = 0;
    }
}

int cc_dump_add(const void *base, size_t length, const char *channel, const char *plugin) {
    for (int ring = 0; ring < CC_RINGS; ring++) {
        struct place *place = &places[ring];
        if (!place->base) {
            place->length = length;
            copy_name(place->channel, channel, CC_NAME);
            copy_name(place->plugin, plugin, CC_NAME);
            __atomic_store_n(&place->base, base, __ATOMIC_RELEASE);
            return ring;
        }
    }
    return -1;
}

void cc_dump_set_plugin(int ring, const char *plugin) {
    if (ring >= 0 && ring < CC_RINGS) {
        copy_name(places[ring].plugin, plugin, CC_NAME);
    }
}

void cc_dump_remove(int ring) {
    if (ring >= 0 && ring < CC_RINGS) {
        __atomic_store_n(&places[ring].base, NULL, __ATOMIC_RELEASE);
    }
}

void cc_dump_enter(int ring, const char *callback) {
    __atomic_store_n(&culprit_callback, callback, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&culprit_ring, ring, __ATOMIC_RELAXED);
}

void cc_dump_leave(void) { __atomic_store_n(&culprit_ring, -1, __ATOMIC_RELAXED); }

int cc_dump_culprit(const char **callback) {
    int ring = __atomic_load_n(&culprit_ring, __ATOMIC_RELAXED);
    *callback = ring < 0 ? NULL : __atomic_load_n(&culprit_callback, __ATOMIC_RELAXED);
    return ring;
}

static void put(unsigned char *at, uint64_t value, int bytes) {
    for (int index = 0; index < bytes; index++) {
        at[index] = (unsigned char)(value >> (8 * index));
    }
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec time = {0, 0};
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int write_all(int descriptor, const void *bytes, size_t length, off_t *offset) {
    const char *next = bytes;
    while (length > 0) {
        ssize_t count = pwrite(descriptor, next, length, *offset);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 ? errno : EIO;
        }
        next += count;
        length -= (size_t)count;
        *offset += count;
    }
    return 0;
}

int cc_dump_write(int descriptor, int signal, int code, uint64_t address) {
    unsigned char header[CC_DUMP_HEADER] = "KCSDUMP1";
    uint64_t boot = nanoseconds(CLOCK_BOOTTIME), real = nanoseconds(CLOCK_REALTIME);
    const char *callback;
    int culprit = cc_dump_culprit(&callback);
    uint32_t rings = 0;
    for (int ring = 0; ring < CC_RINGS; ring++) {
        rings += __atomic_load_n(&places[ring].base, __ATOMIC_RELAXED) != NULL;
    }
    put(header + 8, CC_DUMP_HEADER, 4);
    put(header + 12, rings, 4);
    put(header + 16, (uint32_t)signal, 4);
    put(header + 20, (uint32_t)code, 4);
    put(header + 24, address, 8);
    put(header + 32, boot, 8);
    put(header + 40, real - boot, 8);
    put(header + 48, (uint32_t)getpid(), 4);
    put(header + 52, (uint32_t)syscall(SYS_gettid), 4);
    if (culprit >= 0 && culprit < CC_RINGS) {
        put(header + 56, 1, 4);
        memcpy(header + 64, places[culprit].channel, CC_NAME);
        memcpy(header + 128, places[culprit].plugin, CC_NAME);
        copy_name((char *)header + 192, callback, CC_NAME);
    }
    off_t offset = 0;
    int error = write_all(descriptor, header, sizeof header, &offset);
    for (int ring = 0; ring < CC_RINGS && rings > 0; ring++) {
        const void *base = __atomic_load_n(&places[ring].base, __ATOMIC_ACQUIRE);
        if (!base) {
            continue;
        }
        rings--;
        unsigned char lead[CC_DUMP_RING_HEADER] = "RING";
        put(lead + 8, places[ring].length, 8);
        // A ring that can't be read (its file was cut short) costs only itself.
        off_t start = offset;
        int failure = write_all(descriptor, lead, sizeof lead, &offset);
        if (!failure) {
            failure = write_all(descriptor, base, places[ring].length, &offset);
        }
        if (failure) {
            offset = start;
            error = error ? error : failure;
        }
    }
    // What an earlier dump, or a ring that failed, left behind.
    if (ftruncate(descriptor, offset) != 0 && !error) {
        error = errno;
    }
    if (fsync(descriptor) != 0 && !error && errno != EINVAL) {
        error = errno;
    }
    return error;
}

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT};
static const char *const signal_names[] = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGTRAP", "SIGFPE", "SIGABRT"};
enum { FATAL_SIGNALS = sizeof fatal_signals / sizeof fatal_signals[0], STACK = 65536, LINE = 400 };

static char line_prefix[8];
// The process that may not end but by a signal or after cc_dump_uninstall; 0: none.
static pid_t watched;

static void add(char *line, const char *text) {
    size_t at = strlen(line);
    copy_name(line + at, text, LINE - at);
}

// One line on standard error, by nothing that a signal handler may not call; none where that would wait.
static void say(const char *what, const char *name) {
    char line[LINE] = "";
    const char *callback;
    int culprit = cc_dump_culprit(&callback);
    int isKnown = culprit >= 0 && culprit < CC_RINGS;
    add(line, line_prefix);
    add(line, "error ");
    add(line, isKnown ? places[culprit].channel : "kcsmuxd");
    add(line, ": ");
    if (isKnown) {
        add(line, "plugin ");
        add(line, places[culprit].plugin);
        add(line, ": ");
    }
    add(line, what);
    add(line, name);
    if (isKnown) {
        add(line, " in ");
        add(line, callback ? callback : "a call");
    }
    add(line, "; the process ends\n");
    struct pollfd output = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&output, 1, 0) == 1 && output.revents == POLLOUT && write(STDERR_FILENO, line, strlen(line)) < 0) {
        return;
    }
}

static void on_fatal_signal(int number, siginfo_t *info, void *context) {
    (void)context;
    // SA_RESETHAND made the signal's action the default one: a second fault in here ends the process at once.
    for (int index = 0; index < FATAL_SIGNALS; index++) {
        if (fatal_signals[index] == number) {
            say("fatal signal ", signal_names[index]);
        }
    }
    int descriptor = __atomic_load_n(&dump_descriptor, __ATOMIC_RELAXED);
    if (descriptor >= 0) {
        cc_dump_write(descriptor, number, info->si_code, (uint64_t)(uintptr_t)info->si_addr);
    }
    // Blocked until this handler returns; then the process dies of it, core dump and exit status as without us.
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
}

// A plugin may not end the process; one that does must not make it look as if that had been asked for.
static void on_exit_of_somebody(void) {
    if (watched != getpid()) {
        return;
    }
    say("exit() was called", "");
    int descriptor = __atomic_load_n(&dump_descriptor, __ATOMIC_RELAXED);
    cc_dump_uninstall();
    if (descriptor >= 0) {
        cc_dump_write(descriptor, 0, 0, 0);
    }
    abort();
}

void cc_dump_uninstall(void) {
    watched = 0;
    __atomic_store_n(&dump_descriptor, -1, __ATOMIC_RELAXED);
    for (int index = 0; index < FATAL_SIGNALS; index++) {
        signal(fatal_signals[index], SIG_DFL);
    }
}

int cc_dump_install(int descriptor, const char *prefix) {
    static int isExitWatched;
    copy_name(line_prefix, prefix, sizeof line_prefix);
    static void *stack;
    __atomic_store_n(&dump_descriptor, descriptor, __ATOMIC_RELAXED);
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    if (!stack) {
        // A guard page below: an overflow of this stack is a second fault, not silent damage.
        char *base = mmap(NULL, STACK + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED || mprotect(base + 4096, STACK, PROT_READ | PROT_WRITE) != 0) {
            return errno;
        }
        stack = base + 4096;
    }
    stack_t alternate = {.ss_sp = stack, .ss_size = STACK, .ss_flags = 0};
    if (sigaltstack(&alternate, NULL) != 0) {
        return errno;
    }
    action.sa_sigaction = on_fatal_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND;
    for (int index = 0; index < FATAL_SIGNALS; index++) {
        if (sigaction(fatal_signals[index], &action, NULL) != 0) {
            return errno;
        }
    }
    watched = getpid();
    if (!isExitWatched && atexit(on_exit_of_somebody) != 0) {
        return ENOMEM;
    }
    isExitWatched = 1;
    return 0;
}
