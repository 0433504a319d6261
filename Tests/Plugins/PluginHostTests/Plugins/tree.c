/* SPDX-License-Identifier: Apache-2.0
 *
 * Declares an option of every type, and writes down what it is given, for a test to compare.
 */
#include "kcs_plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const colours[] = {"red", "green", "blue", NULL};
static const struct kcs_option byte_shape[] = {{.type = KCS_OPTION_BYTE}};
static const struct kcs_option pair_shape[] = {{.type = KCS_OPTION_STRING}, {.type = KCS_OPTION_INTEGER}};
static const struct kcs_option forms[] = {{.type = KCS_OPTION_INTEGER}, {.type = KCS_OPTION_STRING}};
static const struct kcs_option members[] = {
    {.key = "inner", .type = KCS_OPTION_BOOL, .default_yaml = "true"},
    {.key = "must", .type = KCS_OPTION_INTEGER, .flags = KCS_OPTION_REQUIRED | KCS_OPTION_BOUNDED, .minimum = -5,
     .maximum = 5},
};
static const struct kcs_option options[] = {
    {.key = "object", .type = KCS_OPTION_OBJECT, .children = members, .child_count = 2},
    {.key = "list", .type = KCS_OPTION_LIST, .children = byte_shape, .child_count = 1, .default_yaml = "[1, 0x02]"},
    {.key = "map", .type = KCS_OPTION_MAP, .children = pair_shape, .child_count = 2},
    {.key = "one", .type = KCS_OPTION_ONE_OF, .children = forms, .child_count = 2, .default_yaml = "seven"},
    {.key = "colour", .type = KCS_OPTION_ENUMERATION, .choices = colours, .default_yaml = "green"},
    {.key = "on", .type = KCS_OPTION_BOOL, .default_yaml = "false"},
    {.key = "count", .type = KCS_OPTION_INTEGER, .flags = KCS_OPTION_BOUNDED, .minimum = 0, .maximum = 10,
     .default_yaml = "3"},
    {.key = "pause", .type = KCS_OPTION_DURATION, .default_yaml = "10ms"},
    {.key = "room", .type = KCS_OPTION_SIZE, .default_yaml = "64KiB"},
    {.key = "text", .type = KCS_OPTION_STRING},
    {.key = "file", .type = KCS_OPTION_PATH, .default_yaml = "/tmp/x"},
    {.key = "letter", .type = KCS_OPTION_BYTE, .default_yaml = "D"},
    {.key = "magic", .type = KCS_OPTION_BYTES, .default_yaml = "[0, 255]"},
    {.key = "todo", .type = KCS_OPTION_ACTIONS, .default_yaml = "[{log: hello}, {capture: all}]"},
};

static char text[4096];

static void put(const struct kcs_value *value) {
    size_t at = strlen(text);
    char *end = text + at;
    size_t room = sizeof text - at;
    if (value->size != sizeof *value) {
        snprintf(end, room, "size!");
        return;
    }
    switch (value->type) {
    case KCS_OPTION_ABSENT: snprintf(end, room, "-"); return;
    case KCS_OPTION_OBJECT:
    case KCS_OPTION_LIST:
    case KCS_OPTION_MAP:
        snprintf(end, room, "(");
        for (uint64_t index = 0; index < value->item_count; index++) {
            if (index > 0) {
                strcat(text, " ");
            }
            put(value->items[index]);
        }
        strcat(text, ")");
        return;
    case KCS_OPTION_STRING:
    case KCS_OPTION_PATH:
    case KCS_OPTION_ACTIONS:
        snprintf(end, room, "\"%s\"%s", value->text, strlen(value->text) == value->length ? "" : "length!");
        return;
    case KCS_OPTION_ENUMERATION: snprintf(end, room, "%s=%" PRIu32, value->text, value->choice); return;
    case KCS_OPTION_BYTES:
        for (uint64_t index = 0; index < value->length; index++) {
            snprintf(end + 2 * index, room - 2 * index, "%02x", (unsigned char)value->text[index]);
        }
        return;
    default: snprintf(end, room, "%" PRId64, value->integer); return;
    }
}

/* The test reads by `report` what came: there is no other way out of a pure function. */
static void check(const struct kcs_value *options_value, const struct kcs_report *report) {
    text[0] = 0;
    put(options_value);
    report->error(report->ctx, options_value->items[6], text);
}

static int32_t create(const struct kcs_host *host, struct kcs_channel *channel, const struct kcs_value *values,
                      void **instance) {
    (void)host, (void)channel;
    *instance = (void *)values;
    return values->items[6]->integer == 9 ? KCS_E_FAILED : KCS_OK;
}
static int32_t start(void *instance, const struct kcs_start *info) {
    const struct kcs_value *values = instance;
    return info->size == sizeof *info && values->items[6]->integer == 8 ? KCS_E_UNAVAILABLE : KCS_INPUT_NONE;
}
static void destroy(void *instance) { (void)instance; }

static const struct kcs_plugin plugin = {
    .size = sizeof plugin,
    .abi = KCS_ABI,
    .inputs = KCS_TAKES(KCS_INPUT_NONE),
    .option_size = sizeof options[0],
    .name = "tree",
    .version = "1.2",
    .summary = "shows its options",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .check = check,
    .create = create,
    .start = start,
    .destroy = destroy,
};

const struct kcs_plugin *kcs_plugin_entry(void) { return &plugin; }
