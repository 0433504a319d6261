/* SPDX-License-Identifier: Apache-2.0
 *
 * kcs_plugin_text.h: what kcs_plugin.h's kcs_logf and kcs_failf are for log() and fail(), for everything else that takes text;
 * and those two with a va_list, for a function of the plugin's own: one that knows its host and its channel.
 *
 * No part of the ABI: each is compiled into the plugin. C11 and C++17. Nothing here allocates. A text that is longer than
 * KCS_TEXT_SIZE - 1 bytes is cut in front of the first character of UTF-8 that does not fit.
 */
#ifndef KCS_PLUGIN_TEXT_H
#define KCS_PLUGIN_TEXT_H

#include "kcs_plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-extension" /* so that -pedantic stays usable */
#endif

#define KCS_TEXT_SIZE 512 /* on the stack; a line of kcsmuxd's log is not longer */

#if defined(__GNUC__)
#define KCS_FORMAT(index, first) __attribute__((format(printf, index, first)))
#else
#define KCS_FORMAT(index, first)
#endif

/* As vsnprintf, but cut in front of a character, and never without a text: one that cannot be formatted is its format. */
KCS_FORMAT(3, 0)
static inline void kcs_vformat(char *KCS_NONNULL text, size_t size, const char *KCS_NONNULL format, va_list arguments) {
    int length = vsnprintf(text, size, format, arguments);
    size_t end = size - 1;
    if (length < 0) {
        end = strlen(format) < end ? strlen(format) : end;
        memcpy(text, format, end);
        text[end] = '\0';
    } else if ((size_t)length > end) {
        /* Back to where a character begins: the bytes behind its first are 10xxxxxx. That character is whole only if it was not
         * the one that was cut. */
        size_t start = end;
        while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
            start--;
        }
        if (start > 0) {
            unsigned char first = (unsigned char)text[start - 1];
            size_t needed = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
            if (start - 1 + needed > end) {
                text[start - 1] = '\0';
            }
        }
    }
}

/* log() and fail(), for functions with an ellipsis of their own. */
KCS_FORMAT(4, 0)
static inline void kcs_vlogf(const struct kcs_host *KCS_NONNULL host, struct kcs_channel *KCS_NONNULL channel, uint32_t level,
                             const char *KCS_NONNULL format, va_list arguments) {
    char text[KCS_TEXT_SIZE];
    kcs_vformat(text, sizeof text, format, arguments);
    host->log(channel, level, text);
}
KCS_FORMAT(3, 0)
static inline void kcs_vfailf(const struct kcs_host *KCS_NONNULL host, struct kcs_channel *KCS_NONNULL channel,
                              const char *KCS_NONNULL format, va_list arguments) {
    char text[KCS_TEXT_SIZE];
    kcs_vformat(text, sizeof text, format, arguments);
    host->fail(channel, text);
}

/* annotate() of an event: KCS_DIRECTION_*, and what happened. */
KCS_FORMAT(4, 5)
static inline int32_t kcs_eventf(const struct kcs_host *KCS_NONNULL host, struct kcs_channel *KCS_NONNULL channel,
                                 uint32_t direction, const char *KCS_NONNULL format, ...) {
    char text[KCS_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    kcs_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    return host->annotate(channel, KCS_ANNOTATE_EVENT, direction, 0, NULL, 0, text);
}

/* check() rejects a value. */
KCS_FORMAT(3, 4)
static inline void kcs_rejectf(const struct kcs_report *KCS_NONNULL report, const struct kcs_value *KCS_NONNULL value,
                               const char *KCS_NONNULL format, ...) {
    char text[KCS_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    kcs_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    report->error(report->ctx, value, text);
}

/* stats() tells something that is no number. */
KCS_FORMAT(3, 4)
static inline void kcs_stat_textf(const struct kcs_stats *KCS_NONNULL stats, const char *KCS_NONNULL name,
                                  const char *KCS_NONNULL format, ...) {
    char text[KCS_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    kcs_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    stats->text(stats->ctx, name, text);
}

#ifdef __cplusplus
}
#endif
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
#endif
