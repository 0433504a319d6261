/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that keeps every rule of loading but the one that the compiler's -D names.
 */
#include "kcs_plugin.h"

#include <stdio.h>
#include <stdlib.h>

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *options,
                      void **instance) {
    (void)host, (void)channel, (void)options;
    *instance = NULL;
    return KCS_OK;
}
static int32_t start(void *instance, const struct kcs_start *info) {
    (void)instance, (void)info;
    return KCS_INPUT_NONE;
}
static void destroy(void *instance) { (void)instance; }
static void data(void *instance, uint8_t value, uint8_t str, uint64_t now) {
    (void)instance, (void)value, (void)str, (void)now;
}

#ifdef SELF_HOLDING
static const struct kcs_option options[3] = {
    {.key = "a", .type = KCS_OPTION_OBJECT, .children = options, .child_count = 3},
    {.key = "b", .type = KCS_OPTION_OBJECT, .children = options, .child_count = 3},
    {.key = "c", .type = KCS_OPTION_OBJECT, .children = options, .child_count = 3},
};
#elif defined(OPTION)
static const char *const no_choices[] = {NULL};
static const struct kcs_option byte_shape = {.type = KCS_OPTION_BYTE};
static const struct kcs_option options[1] = {{OPTION}};
#else
static const struct kcs_option options[1] = {{.key = "level", .type = KCS_OPTION_INTEGER, .default_yaml = "1"}};
#endif
#ifdef REQUEST
static const struct kcs_request_length requests[1] = {{REQUEST}};
#endif

static struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_NONE) | KCS_TAKES(KCS_INPUT_AUTO),
    .option_size = sizeof options[0],
    .name = "variant",
    .version = "1",
    .summary = "breaks one rule",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
#ifdef REQUEST
    .requests = requests,
    .request_count = 1,
#endif
    .create = create,
    .start = start,
    .destroy = destroy,
    .data = data,
};

#ifdef EXCHANGED
/* What somebody does who writes into the folder while kcsmuxd loads. */
__attribute__((constructor)) static void exchange(void) {
    if (rename(EXCHANGED ".other", EXCHANGED) != 0) {
        abort();
    }
}
#endif

#ifdef NO_ENTRY
const struct kcs_plugin *other_entry(void);
const struct kcs_plugin *other_entry(void) { return &plugin; }
#elif defined(NULL_ENTRY)
const struct kcs_plugin *kcs_plugin_entry(void) { return NULL; }
#else
const struct kcs_plugin *kcs_plugin_entry(void) {
#ifdef CHANGE
    CHANGE;
#endif
    return &plugin;
}
#endif

#ifdef UNDEFINED
extern void nobody_defines_this(void);
void *needs(void);
void *needs(void) { return (void *)nobody_defines_this; }
#endif

#ifdef EXECUTABLE
int main(void) { return 0; }
#endif
