// SPDX-License-Identifier: Apache-2.0
//
// Counts the calling thread's heap allocations.
#ifndef CTESTSUPPORT_H
#define CTESTSUPPORT_H

#include <stdint.h>

// Allocations that the calling thread has made up to now; 0 for ever when they cannot be counted here.
uint64_t cts_allocations(void);
// Can they be counted? Not under a sanitizer, which has an allocator of its own, nor with another libc than glibc.
int cts_counts_allocations(void);

#endif
