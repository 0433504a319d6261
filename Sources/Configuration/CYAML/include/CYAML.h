// SPDX-License-Identifier: Apache-2.0
// The system's libyaml, for Swift.
#ifndef CYAML_H
#define CYAML_H
#include <yaml.h>
#endif
