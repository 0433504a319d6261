// SPDX-License-Identifier: Apache-2.0
// The system's libyaml, for Swift.
#ifndef CYAML_H
#define CYAML_H
#if !__has_include(<yaml.h>)
#error "libyaml is not installed; on Debian and Ubuntu: sudo apt-get install libyaml-dev"
#endif
#include <yaml.h>
#endif
