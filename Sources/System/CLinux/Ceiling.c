// SPDX-License-Identifier: Apache-2.0
//
// The one function of libm that Embedded Swift's library asks for: a Dictionary rounds its capacity up with it. Defined here
// so that a BMC's programs need libc only. The ordinary build uses the system's.
#ifdef KCSMUX_EMBEDDED

#include <stdint.h>

__attribute__((visibility("hidden"))) double ceil(double value);

double ceil(double value) {
    // From 2^52 on there are whole numbers only; what is not a number is not less than anything.
    double magnitude = __builtin_fabs(value);
    if (!(magnitude < 4503599627370496.0)) return value;
    double whole = (double)(int64_t)value;
    if (whole < value) whole += 1;
    // Above -1 the result is minus zero.
    return __builtin_copysign(whole, value);
}

#endif
