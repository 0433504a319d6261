// SPDX-License-Identifier: Apache-2.0
//
// A program for /dev/raw-kcsN: answers each data byte with its complement until it is told 0x51 by the command port.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum { obf = 0x01, command_data = 0x08 };

static int fail(const char *call) {
    perror(call);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 2) return 64;
    int device = open(argv[1], O_RDWR);
    if (device < 0) return fail("open");
    for (;;) {
        struct pollfd in = {.fd = device, .events = POLLIN};
        if (poll(&in, 1, -1) < 0) return fail("poll");
        uint8_t status, data;
        // With one byte queued, C/D is that byte's.
        if (pread(device, &status, 1, 1) != 1) return fail("pread status");
        if (pread(device, &data, 1, 0) != 1) return fail("pread data");
        if (status & command_data) {
            if (data == 0x51) break;
            continue;
        }
        for (;;) {
            if (pread(device, &status, 1, 1) != 1) return fail("pread status");
            if (!(status & obf)) break;
            struct pollfd out = {.fd = device, .events = POLLOUT};
            if (poll(&out, 1, 5) < 0) return fail("poll");
        }
        data = (uint8_t)~data;
        if (pwrite(device, &data, 1, 0) != 1) return fail("pwrite");
    }
    return close(device) ? fail("close") : 0;
}
