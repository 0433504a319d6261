// SPDX-License-Identifier: Apache-2.0
//
// Counts the system calls of a program that has no vDSO: there, reading the clock is a call as any other, as on a BMC whose
// device tree switches the vDSO's clock off. The program finds no vDSO because its entry in the auxiliary vector, which the
// kernel put on the new stack, is overwritten before the first instruction runs.
//   cc -O2 counter.c -o counter
//   counter PROGRAM ARGUMENT…
// SIGUSR1 prints one line on standard error, of counts since the start:
//   counted: calls N clocks N turns N looks N others N
// calls: of all threads; clocks: the main thread's; turns: its waits for events; looks: positioned reads; others: calls of
// threads that are not the main one. SIGTERM is passed on; it ends as the program does.
#define _GNU_SOURCE 1
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long calls, clocks, turns, looks, others;

static void fail(const char *what) {
    perror(what);
    exit(125);
}

static void count(unsigned long long call, int is_main) {
    calls++;
    if (!is_main) others++;
    switch (call) {
    case SYS_clock_gettime:
    case SYS_gettimeofday:
#ifdef SYS_time
    case SYS_time:
#endif
        if (is_main) clocks++;
        break;
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
#endif
        if (is_main) turns++;
        break;
    case SYS_pread64:
        looks++;
        break;
    }
}

// The stack of a program that begins: argc, argv and a null, environment and a null, pairs of the auxiliary vector.
static void hide_vdso(pid_t process, unsigned long stack) {
    unsigned long place = stack + sizeof(long);
    for (int nulls = 0; nulls < 2; place += sizeof(long)) {
        errno = 0;
        if (ptrace(PTRACE_PEEKDATA, process, place, NULL) == 0 && errno == 0) nulls++;
        if (errno != 0) fail("the new program's stack");
    }
    for (long type; (type = ptrace(PTRACE_PEEKDATA, process, place, NULL)) != AT_NULL; place += 2 * sizeof(long)) {
        if (type == AT_SYSINFO_EHDR && ptrace(PTRACE_POKEDATA, process, place, AT_IGNORE) != 0) fail("the vDSO");
    }
}

// A stop of a thread; the signal that it is to go on with.
static int stopped(pid_t thread, pid_t program, int status) {
    struct __ptrace_syscall_info info;
    int number = WSTOPSIG(status);
    int event = status >> 16;
    if (number == (SIGTRAP | 0x80) || event == PTRACE_EVENT_EXEC) {
        if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) <= 0) return 0;
        if (event == PTRACE_EVENT_EXEC) {
            hide_vdso(thread, info.stack_pointer);
        } else if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            count(info.entry.nr, thread == program);
        }
        return 0;
    }
    // A new thread or process begins with a SIGSTOP, which is the tracer's.
    return event != 0 || number == SIGSTOP || number == SIGTRAP ? 0 : number;
}

int main(int argument_count, char **arguments) {
    sigset_t signals, before;
    if (argument_count < 2) return 64;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before);
    pid_t program = fork();
    if (program < 0) fail("fork");
    if (program == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        execv(arguments[1], arguments + 1);
        fail(arguments[1]);
    }
    int status;
    if (waitpid(program, &status, __WALL) != program) fail("waitpid");
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE;
    if (ptrace(PTRACE_SETOPTIONS, program, NULL, options) != 0) fail("ptrace");
    ptrace(PTRACE_SYSCALL, program, NULL, NULL);
    for (;;) {
        int number = sigwaitinfo(&signals, NULL);
        if (number == SIGTERM) kill(program, SIGTERM);
        if (number == SIGUSR1) {
            fprintf(
                stderr, "counted: calls %lu clocks %lu turns %lu looks %lu others %lu\n", calls, clocks, turns, looks,
                others);
        }
        pid_t thread;
        while ((thread = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
            if (WIFSTOPPED(status)) {
                ptrace(PTRACE_SYSCALL, thread, NULL, (long)stopped(thread, program, status));
            } else if (thread == program) {
                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            }
        }
    }
}
