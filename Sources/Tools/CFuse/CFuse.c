// SPDX-License-Identifier: Apache-2.0
#include "CFuse.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

// struct fuse_args of libfuse3: its ABI, unchanged since 3.0.
struct arguments {
    int count;
    char **values;
    int allocated;
};

static struct {
    void *library;
    void *(*new_session)(struct arguments *, const void *operations, size_t operations_size, void *user);
    int (*mount)(void *session, const char *mountpoint);
    int (*descriptor)(void *session);
    void (*unmount)(void *session);
    void (*destroy)(void *session);
} library;

static void *symbol(const char *name) { return dlsym(library.library, name); }

int cf_load(void) {
    if (library.library) return 0;
    // Debian 13 and later number the library anew; what is used of it stayed the same.
    static const char *const names[] = {"libfuse3.so.3", "libfuse3.so.4"};
    for (size_t index = 0; index < sizeof names / sizeof *names && !library.library; index++)
        library.library = dlopen(names[index], RTLD_NOW | RTLD_LOCAL);
    if (!library.library) return -1;
    *(void **)&library.new_session = symbol("fuse_session_new");
    *(void **)&library.mount = symbol("fuse_session_mount");
    *(void **)&library.descriptor = symbol("fuse_session_fd");
    *(void **)&library.unmount = symbol("fuse_session_unmount");
    *(void **)&library.destroy = symbol("fuse_session_destroy");
    if (library.new_session && library.mount && library.descriptor && library.unmount && library.destroy) return 0;
    library.library = NULL;
    return -1;
}

void *cf_mount(const char *mountpoint, const char *options) {
    // No operation is the library's: it mounts, and the protocol is spoken elsewhere.
    static const void *const none[1];
    char *values[] = {"kcssim", "-o", (char *)options, NULL};
    struct arguments arguments = {3, values, 0};
    void *session = library.new_session(&arguments, none, sizeof none, NULL);
    if (!session) return NULL;
    if (library.mount(session, mountpoint) == 0) return session;
    library.destroy(session);
    return NULL;
}

int cf_descriptor(void *session) { return library.descriptor(session); }

void cf_unmount(void *session) {
    library.unmount(session);
    library.destroy(session);
}
