// SPDX-License-Identifier: Apache-2.0
//
// The layout of ABI 1.0 on 32-bit and 64-bit machines, asserted. A later minor adds members behind the last one named here,
// and changes no line of this file.
#include "kcs_plugin.h"

#define WORDS(bytes64, bytes32) (sizeof(void *) == 8 ? (bytes64) : (bytes32))
#define MEMBER(type, member, offset64, offset32) \
    _Static_assert(offsetof(struct type, member) == WORDS(offset64, offset32), #type "." #member)
/* How far ABI 1.0 reaches, and that nothing was put in between. */
#define ENDS(type, last, bytes64, bytes32)                                                                        \
    _Static_assert(offsetof(struct type, last) + sizeof(((struct type *)0)->last) == WORDS(bytes64, bytes32),     \
                   "end of " #type);                                                                              \
    _Static_assert(sizeof(struct type) >= WORDS(bytes64, bytes32), "size of " #type)

MEMBER(kcs_plugin, abi, 4, 4);
MEMBER(kcs_plugin, abi_needed, 8, 8);
MEMBER(kcs_plugin, inputs, 12, 12);
MEMBER(kcs_plugin, needs, 16, 16);
MEMBER(kcs_plugin, option_size, 20, 20);
MEMBER(kcs_plugin, name, 24, 24);
MEMBER(kcs_plugin, options, 48, 36);
MEMBER(kcs_plugin, option_count, 56, 40);
MEMBER(kcs_plugin, request_count, 72, 56);
MEMBER(kcs_plugin, check, 80, 64);
MEMBER(kcs_plugin, create, 88, 68);
MEMBER(kcs_plugin, destroy, 112, 80);
MEMBER(kcs_plugin, message, 144, 96);
ENDS(kcs_plugin, stats, 168, 108);
MEMBER(kcs_host, abi, 4, 4);
MEMBER(kcs_host, version, 8, 8);
MEMBER(kcs_host, read_idr, 16, 12);
MEMBER(kcs_host, reply, 72, 40);
MEMBER(kcs_host, now, 88, 48);
MEMBER(kcs_host, run, 160, 84);
MEMBER(kcs_host, annotate, 192, 100);
ENDS(kcs_host, fail, 224, 116);
MEMBER(kcs_option, type, 24, 12);
MEMBER(kcs_option, minimum, 32, 24);
MEMBER(kcs_option, choices, 48, 40);
ENDS(kcs_option, child_count, 72, 56);
MEMBER(kcs_value, choice, 20, 20);
MEMBER(kcs_value, integer, 24, 24);
MEMBER(kcs_value, length, 40, 40);
ENDS(kcs_value, item_count, 64, 64);
ENDS(kcs_report, error, 24, 16);
MEMBER(kcs_start, channel, 16, 16);
ENDS(kcs_start, state_folder, 32, 24);
MEMBER(kcs_request_length, longest, 4, 4);
_Static_assert(sizeof(struct kcs_request_length) == 8, "an array's element that never grows");
MEMBER(kcs_action_result, action, 8, 8);
ENDS(kcs_action_result, detail, 24, 16);
MEMBER(kcs_window, base, 8, 8);
ENDS(kcs_window, length, 24, 24);
ENDS(kcs_stats, text, 32, 20);
