// SPDX-License-Identifier: Apache-2.0
//
// The kernel's FUSE protocol, as its own header describes it, and the few functions of libfuse3 that mount a file system
// and hand over the connection. The library is loaded when it is needed: neither its header nor the library itself is
// wanted where this is built.
#ifndef CFUSE_H
#define CFUSE_H

#include <linux/fuse.h>
#include <linux/ipmi_bmc.h>

#ifndef FOPEN_PARALLEL_DIRECT_WRITES
#define FOPEN_PARALLEL_DIRECT_WRITES (1 << 6)
#endif

// The macros of ipmi_bmc.h compute, which Swift does not import.
enum {
    cf_set_attention = IPMI_BMC_IOCTL_SET_SMS_ATN,
    cf_clear_attention = IPMI_BMC_IOCTL_CLEAR_SMS_ATN,
    cf_force_abort = IPMI_BMC_IOCTL_FORCE_ABORT
};

// Loads libfuse3. 0, or -1 when it is not there.
int cf_load(void);

// A session of libfuse3 that is mounted, or a null pointer; the library itself writes to standard error why.
// `options` are those of mount -o.
void *cf_mount(const char *mountpoint, const char *options);

// The connection to the kernel.
int cf_descriptor(void *session);

// Unmounts, and closes the connection.
void cf_unmount(void *session);

#endif
