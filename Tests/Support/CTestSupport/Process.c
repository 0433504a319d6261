// SPDX-License-Identifier: Apache-2.0
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "CTestSupport.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int ts_wait(int process, int milliseconds, int *status) {
    int descriptor = (int)syscall(SYS_pidfd_open, process, 0);
    if (descriptor < 0) {
        return -errno;
    }
    struct pollfd request = {.fd = descriptor, .events = POLLIN};
    int ready;
    do {
        ready = poll(&request, 1, milliseconds);
    } while (ready < 0 && errno == EINTR);
    close(descriptor);
    if (ready <= 0) {
        return 0;
    }
    return waitpid(process, status, 0) == process ? 1 : -errno;
}
