// SPDX-License-Identifier: Apache-2.0
#include "CLinux.h"

#include <linux/membarrier.h>
#include <stddef.h>
#include <sys/auxv.h>

static int argument_count;
static char **arguments;

// glibc and musl hand main's arguments to constructors of the program itself.
__attribute__((constructor)) static void save_arguments(int count, char **values) {
    argument_count = count;
    arguments = values;
}

int cl_argument_count(void) { return argument_count; }

const char *cl_argument(int index) {
    return index >= 0 && index < argument_count ? arguments[index] : NULL;
}

int cl_barrier_all_threads(void) {
    static int registered;
    if (!registered && syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0) {
        registered = 1;
    }
    return registered ? (int)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) : -1;
}

int (*cl_read_clock)(clockid_t, struct timespec *) = clock_gettime;

// Elsewhere the library's idea of a timespec may be another than the kernel's.
#ifdef __LP64__
static int clock_by_call(clockid_t clock, struct timespec *time) {
    return (int)cl_call3(SYS_clock_gettime, clock, (long)time, 0);
}

__attribute__((constructor)) static void find_clock(void) {
    // Some kernels, and what emulates one, have no such function.
    if (getauxval(AT_SYSINFO_EHDR) == 0) {
        cl_read_clock = clock_by_call;
        return;
    }
    void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);
    if (vdso == NULL) { return; }
#ifdef __x86_64__
    void *found = dlsym(vdso, "__vdso_clock_gettime");
#else
    void *found = dlsym(vdso, "__kernel_clock_gettime");
#endif
    if (found != NULL) { cl_read_clock = (int (*)(clockid_t, struct timespec *))found; }
}
#endif

void *cl_quarantine(void *pointer) {
    static void *kept[256];
    static unsigned next;
    unsigned place = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % (sizeof kept / sizeof kept[0]);
    return __atomic_exchange_n(&kept[place], pointer, __ATOMIC_ACQ_REL);
}

static void interrupted(int number) { (void)number; }

int cl_install_interrupter(int number) {
    // No SA_RESTART: the point is that the call returns.
    struct sigaction action = {.sa_handler = interrupted};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, &action, NULL) != 0) { return -1; }
    // Whoever started this program may have blocked it, and a mask is inherited.
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, number);
    return pthread_sigmask(SIG_UNBLOCK, &own, NULL);
}

// The address's length, or 0 when the name is empty or does not fit.
static socklen_t unix_address(struct sockaddr_un *address, const char *name, size_t length, int abstract) {
    size_t lead = abstract ? 1 : 0;
    size_t end = abstract ? 0 : 1;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length == 0 || length + lead + end > sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return 0;
    }
    memcpy(address->sun_path + lead, name, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + lead + length + end);
}

int cl_unix_bind(int socket, const char *name, size_t length, int abstract) {
    struct sockaddr_un address;
    socklen_t size = unix_address(&address, name, length, abstract);
    return size == 0 ? -1 : bind(socket, (const struct sockaddr *)&address, size);
}

int cl_unix_connect(int socket, const char *name, size_t length, int abstract) {
    struct sockaddr_un address;
    socklen_t size = unix_address(&address, name, length, abstract);
    return size == 0 ? -1 : connect(socket, (const struct sockaddr *)&address, size);
}

int cl_peer(int socket, int32_t *process, uint32_t *user, uint32_t *group) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *process = peer.pid;
    *user = peer.uid;
    *group = peer.gid;
    return 0;
}

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

int cl_peer_groups(int socket, uint32_t *groups, int capacity) {
    socklen_t size = (socklen_t)capacity * sizeof *groups;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0) return -1;
    return (int)(size / sizeof *groups);
}

int cl_unix_name(int socket, char *name, size_t capacity) {
    struct sockaddr_un address;
    socklen_t size = sizeof address;
    if (getsockname(socket, (struct sockaddr *)&address, &size) != 0) return -1;
    size_t lead = offsetof(struct sockaddr_un, sun_path);
    if (size <= lead || address.sun_path[0] == 0) return 0;
    size_t length = strnlen(address.sun_path, size - lead);
    if (length >= capacity) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name, address.sun_path, length);
    name[length] = 0;
    return (int)length;
}
