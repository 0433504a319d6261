/* SPDX-License-Identifier: Apache-2.0
 *
 * The echo of ABI 1.0 as a stranger's compiler may lay it out: a descriptor and options of a later minor, which are longer, with
 * something in all that 1.0 does not name.
 */
#include <string.h>

#define kcs_plugin_entry echo_entry
#include "1.0/echo.c"
#undef kcs_plugin_entry

struct later_option {
    struct kcs_option known;
    uint8_t unknown[40];
};

struct later_plugin {
    struct kcs_plugin known;
    uint8_t unknown[100];
};

const struct kcs_plugin *kcs_plugin_entry(void);
const struct kcs_plugin *kcs_plugin_entry(void) {
    static struct later_option option;
    static struct later_plugin plugin_of_later;
    memset(&option, 0xFF, sizeof option);
    option.known = *echo_entry()->options;
    option.known.flags |= 0x100; /* a flag that nobody knows */
    memset(&plugin_of_later, 0xFF, sizeof plugin_of_later);
    plugin_of_later.known = *echo_entry();
    plugin_of_later.known.size = sizeof plugin_of_later;
    plugin_of_later.known.abi += 7;
    plugin_of_later.known.inputs |= 0x100; /* a kind of input that nobody knows */
    plugin_of_later.known.option_size = sizeof option;
    plugin_of_later.known.options = &option.known;
    return &plugin_of_later.known;
}
