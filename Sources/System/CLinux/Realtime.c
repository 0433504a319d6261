// SPDX-License-Identifier: Apache-2.0
//
// Memory that stays and a processor of one's own: interfaces made of macros and of callbacks within the dynamic loader.
#include "CLinux.h"

#include <link.h>
#include <linux/capability.h>

#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

static cpu_set_t before;
static int is_bound;

int cl_set_processor(int processor) {
    cpu_set_t one;
    if (processor < 0 || processor >= CPU_SETSIZE) {
        errno = EINVAL;
        return -1;
    }
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    if (!is_bound && sched_getaffinity(0, sizeof before, &before) != 0) return -1;
    if (sched_setaffinity(0, sizeof one, &one) != 0) return -1;
    is_bound = 1;
    return 0;
}

void cl_release_from_processor(pid_t process) {
    if (is_bound) sched_setaffinity(process, sizeof before, &before);
}

static int has_capability(int capability) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

uint64_t cl_memory_lock_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 0;
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

static int lock_segments(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size, (void)context;
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        // What is locked on use already is read in now. A segment that can't be is no reason to give up the others.
        if (segment->p_type == PT_LOAD) {
            (void)mlock((const void *)(object->dlpi_addr + segment->p_vaddr), segment->p_memsz);
        }
    }
    return 0;
}

int cl_lock_memory(void) {
    if (cl_memory_lock_limit() != UINT64_MAX && !has_capability(CAP_IPC_LOCK)) {
        errno = EPERM;
        return -1;
    }
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) return -1;
    dl_iterate_phdr(lock_segments, NULL);
    // The part of the stack that deep calls use.
    volatile char stack[1 << 16];
    for (size_t at = 0; at < sizeof stack; at += 1024) stack[at] = 0;
    return 0;
}
