// SPDX-License-Identifier: Apache-2.0
//
// What the standard library asks Unicode's tables when it compares Strings, or cuts them into Characters. The Embedded build
// answers for every scalar as the tables do for ASCII: a String is equal to another that has the same bytes, and sorts as
// its bytes do. kcsmux' keys, names and paths mean exactly that; the tables and what they keep alive would be 50 KB of
// kcsmuxd, which has to stay below 700.
#ifndef CUNICODE_H
#define CUNICODE_H

#ifdef KCSMUX_EMBEDDED
#include <stdbool.h>
#include <stdint.h>

// Canonical combining class 0; normal in NFC and NFD already.
uint16_t _swift_stdlib_getNormData(uint32_t scalar);
// Where a scalar's decomposition is: nowhere.
uint32_t _swift_stdlib_getDecompositionEntry(uint32_t scalar);
extern const uint8_t *const _swift_stdlib_nfd_decompositions;
// What two scalars become together: UINT32_MAX, which is nothing.
uint32_t _swift_stdlib_getComposition(uint32_t first, uint32_t second);
// Of no class that joins its neighbours.
uint8_t _swift_stdlib_getGraphemeBreakProperty(uint32_t scalar);
bool _swift_stdlib_isExtendedPictographic(uint32_t scalar);
bool _swift_stdlib_isInCB_Consonant(uint32_t scalar);
#endif

#endif
