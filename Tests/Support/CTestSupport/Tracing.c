// SPDX-License-Identifier: Apache-2.0
#include "CTestSupport.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int ts_attach(int process) {
    int status;
    // The child stops itself first.
    if (waitpid(process, &status, WUNTRACED) != process || !WIFSTOPPED(status)) {
        return ECHILD;
    }
    if (ptrace(PTRACE_SEIZE, process, NULL, NULL) != 0) {
        return errno;
    }
    kill(process, SIGCONT);
    if (ptrace(PTRACE_INTERRUPT, process, NULL, NULL) != 0) {
        return errno;
    }
    return waitpid(process, &status, __WALL) == process ? 0 : errno;
}

int ts_step(int process) {
    int status;
    if (ptrace(PTRACE_SINGLESTEP, process, NULL, NULL) != 0) {
        return -errno;
    }
    if (waitpid(process, &status, __WALL) != process) {
        return -errno;
    }
    return WIFSTOPPED(status) ? 1 : 0;
}
