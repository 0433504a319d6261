// SPDX-License-Identifier: Apache-2.0
//
// What tests need of C: counting allocations, and single steps of a child process.
#ifndef CTESTSUPPORT_H
#define CTESTSUPPORT_H

#include <stdint.h>

// Allocations that the calling thread has made up to now; 0 for ever when they cannot be counted here.
uint64_t cts_allocations(void);
// Can they be counted? Not under a sanitizer, which has an allocator of its own, nor with another libc than glibc.
int cts_counts_allocations(void);

// Attaches to a stopped child of this thread; 0, or an errno.
int ts_attach(int process);

// Runs one instruction of it; 1 when it did, 0 when the process has ended, negative errno.
int ts_step(int process);

// Waits for a child's end; 1 and its wait status, 0 when the time was not enough, negative errno.
int ts_wait(int process, int milliseconds, int *status);

// One preadv at offset 0 into two vectors of one byte each; bytes read, or -1.
long cts_read_vectors(int descriptor, void *first, void *second);

#endif
