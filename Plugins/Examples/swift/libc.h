/* SPDX-License-Identifier: Apache-2.0
 *
 * What oem.swift uses of libc: Embedded Swift has no module for it.
 */
#include <stdio.h>
