// A clock and chance of the caller's own, for vectors/: bindings/c/src/test_door.rs. In no library that ships.
#pragma once
#include "../../Sources/CPintle/pintle.h"

const char *pintle_dangerous_test_open(const struct PintleOptions *options, uint64_t random, uint64_t now_secs,
                                       uint64_t monotonic_ms, struct Pintle **pintle);
void pintle_dangerous_test_set_clock(const struct Pintle *pintle, uint64_t now_secs, uint64_t monotonic_ms);
