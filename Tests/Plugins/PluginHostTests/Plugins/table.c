/* SPDX-License-Identifier: Apache-2.0
 *
 * Shows what its create was given.
 */
#include "kcs_plugin.h"

KCS_EXPORT const void *given[2];

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *options,
                      void **instance) {
    (void)options;
    given[0] = host;
    given[1] = channel;
    *instance = 0;
    return KCS_OK;
}
static int32_t start(void *instance, const struct kcs_start *info) {
    (void)instance, (void)info;
    return KCS_INPUT_NONE;
}
static void destroy(void *instance) { (void)instance; }

static const struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_NONE),
    .name = "table",
    .version = "1",
    .summary = "shows what it is given",
    .create = create,
    .start = start,
    .destroy = destroy,
};

const struct kcs_plugin *kcs_plugin_entry(void) { return &plugin; }
