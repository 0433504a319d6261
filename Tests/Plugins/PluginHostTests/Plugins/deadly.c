/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that does what the compiler's -D says when it is loaded (CONSTRUCTOR), when it is asked for its descriptor (ENTRY),
 * or in what it declares (DEFAULT, KEY).
 */
#include "kcs_plugin.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef DEFAULT
#define DEFAULT "1"
#endif
#ifndef KEY
#define KEY "b"
#endif
#ifndef ENTRY
#define ENTRY return &plugin
#endif

#ifdef CONSTRUCTOR
__attribute__((constructor)) static void constructor(void) { CONSTRUCTOR; }
#endif

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *options,
                      void **instance) {
    (void)host, (void)channel, (void)options, (void)instance;
    return KCS_OK;
}
static int32_t start(void *instance, const struct kcs_start *info) {
    (void)instance, (void)info;
    return KCS_INPUT_NONE;
}
static void destroy(void *instance) { (void)instance; }

static const struct kcs_option options[] = {
    {.key = "a", .type = KCS_OPTION_INTEGER, .default_yaml = DEFAULT},
    {.key = KEY, .type = KCS_OPTION_INTEGER},
};
static const struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_NONE),
    .option_size = sizeof options[0],
    .name = "deadly",
    .version = "1",
    .summary = "ends who loads it",
    .options = options,
    .option_count = 2,
    .create = create,
    .start = start,
    .destroy = destroy,
};

const struct kcs_plugin *kcs_plugin_entry(void) { ENTRY; }
