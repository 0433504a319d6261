// SPDX-License-Identifier: Apache-2.0
#include "CLinux.h"

#include <link.h>
#include <linux/capability.h>

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

int cl_has_capability(int capability) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}

static int visit_object(struct dl_phdr_info *object, size_t size, void *context) {
    (void)size;
    void (**visit)(void *, size_t) = context;
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
        if (segment->p_type == PT_LOAD) {
            (*visit)((void *)(object->dlpi_addr + segment->p_vaddr), segment->p_memsz);
        }
    }
    return 0;
}

void cl_each_segment(void (*visit)(void *, size_t)) { dl_iterate_phdr(visit_object, &visit); }

void cl_touch_stack(void) {
    volatile char stack[1 << 16];
    for (size_t at = 0; at < sizeof stack; at += 1024) stack[at] = 0;
}
