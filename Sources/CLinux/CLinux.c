// SPDX-License-Identifier: Apache-2.0
#include "CLinux.h"

#include <stddef.h>

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

static void interrupted(int number) { (void)number; }

int cl_install_interrupter(int number) {
    // No SA_RESTART: the point is that the call returns.
    struct sigaction action = {.sa_handler = interrupted};
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL);
}

socklen_t cl_unix_address(struct sockaddr_un *address, const char *path, size_t length, int abstract) {
    size_t lead = abstract ? 1 : 0;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length == 0 || length + lead + (abstract ? 0 : 1) > sizeof address->sun_path) {
        return 0;
    }
    memcpy(address->sun_path + lead, path, length);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + lead + length + (abstract ? 0 : 1));
}
