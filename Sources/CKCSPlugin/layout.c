// SPDX-License-Identifier: Apache-2.0
//
// The header's layout on 32-bit and 64-bit machines, asserted: a change here is a change of the ABI.
#include "kcs_plugin.h"

#define LAYOUT(type, bytes64, bytes32) \
    _Static_assert(sizeof(struct type) == (sizeof(void *) == 8 ? bytes64 : bytes32), "size of " #type)
#define MEMBER(type, member, offset64, offset32) \
    _Static_assert(offsetof(struct type, member) == (sizeof(void *) == 8 ? offset64 : offset32), #type "." #member)

LAYOUT(kcs_plugin, 168, 112);
MEMBER(kcs_plugin, abi, 4, 4);
MEMBER(kcs_plugin, name, 24, 24);
MEMBER(kcs_plugin, check, 80, 64);
MEMBER(kcs_plugin, stats, 160, 104);
LAYOUT(kcs_host, 224, 116);
MEMBER(kcs_host, version, 8, 8);
MEMBER(kcs_host, read_idr, 16, 12);
MEMBER(kcs_host, fail, 216, 112);
LAYOUT(kcs_option, 72, 56);
LAYOUT(kcs_value, 64, 64);
LAYOUT(kcs_report, 24, 16);
LAYOUT(kcs_start, 32, 24);
LAYOUT(kcs_request_length, 8, 8);
LAYOUT(kcs_action_result, 24, 16);
LAYOUT(kcs_window, 24, 24);
LAYOUT(kcs_stats, 32, 20);
