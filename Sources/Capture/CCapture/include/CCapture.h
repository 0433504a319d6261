// SPDX-License-Identifier: Apache-2.0
//
// The two things of the capture that must be C: the order of stores into a ring, and what runs inside a signal handler.
#ifndef CCAPTURE_H
#define CCAPTURE_H

#include <stddef.h>
#include <stdint.h>

// One record's store sequence. A process killed between any two of these stores leaves either the record that was
// there marked void, or the new one complete: the second word, which validates the first, is zero in between. Fences
// against the compiler suffice: what a thread has stored when it is killed, the page cache holds.
static inline void cc_ring_store(uint64_t *slot, uint64_t time, uint64_t word) {
    *(volatile uint64_t *)&slot[1] = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *(volatile uint64_t *)&slot[0] = time;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *(volatile uint64_t *)&slot[1] = word;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// The count of records, stored after the records that it counts.
static inline void cc_ring_commit(uint64_t *position, uint64_t value) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *(volatile uint64_t *)position = value;
}

// ---- The raw dump: rings verbatim, written when nothing else of the process can be trusted ----

enum {
    CC_RINGS = 64,             // rings that can be registered at a time
    CC_NAME = 64,              // bytes of a name in the dump, the terminating zero included
    CC_DUMP_HEADER = 320,      // bytes before the first ring
    CC_DUMP_RING_HEADER = 16,  // bytes before each ring's own
};

// Registers a ring under the names of its channel and plugin; its number, or -1 when all places are taken.
int cc_dump_add(const void *base, size_t length, const char *channel, const char *plugin);

// Names the plugin whose handler now serves a registered ring's channel.
void cc_dump_set_plugin(int ring, const char *plugin);

// Takes a ring out. Its memory may be given back afterwards, unless cc_dump_write runs in another thread.
void cc_dump_remove(int ring);

// Marks who runs from now on: a handler of `ring`'s channel, in `callback`, a string that is never freed. Two stores.
void cc_dump_enter(int ring, const char *callback);

// The daemon's own code runs again.
void cc_dump_leave(void);

// Who was marked last: the ring's number, or -1; `callback` receives the name or NULL.
int cc_dump_culprit(const char **callback);

// Writes all registered rings to `descriptor` at its beginning; 0, or an errno. Async-signal-safe.
int cc_dump_write(int descriptor, int signal, int code, uint64_t address);

// On SEGV, BUS, ILL, TRAP, FPE and ABRT: writes a line that begins with `prefix` to standard error and the dump to
// `descriptor`, if that is not negative, then dies of the same signal. The handler runs on a stack of its own in the calling
// thread. When somebody calls exit(): the same, and the process dies of SIGABRT. 0, or an errno.
int cc_dump_install(int descriptor, const char *prefix);

// Changes the signals back, and lets the process end.
void cc_dump_uninstall(void);

#endif
