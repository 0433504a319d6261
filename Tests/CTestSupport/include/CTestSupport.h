// SPDX-License-Identifier: Apache-2.0
//
// ptrace is variadic, and only tests need it.
#ifndef CTESTSUPPORT_H
#define CTESTSUPPORT_H

// Attaches to a stopped child of this thread; 0, or an errno.
int ts_attach(int process);

// Runs one instruction of it; 1 when it did, 0 when the process has ended, negative errno.
int ts_step(int process);

#endif
