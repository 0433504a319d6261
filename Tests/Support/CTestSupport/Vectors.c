// SPDX-License-Identifier: Apache-2.0
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "CTestSupport.h"

#include <sys/uio.h>

long cts_read_vectors(int descriptor, void *first, void *second) {
    struct iovec vectors[] = {{first, 1}, {second, 1}};
    return preadv(descriptor, vectors, 2, 0);
}
