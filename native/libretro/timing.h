// The plain C loops that benchmarks compare with: nothing between the core and the clock.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "libretro/core.h"

namespace copain {

// For each row of inputs one frame, then one byte of memory. Seconds, and the sum of the bytes.
std::pair<double, uint64_t> time_advance(Core& core, std::span<const uint16_t> inputs, size_t ports,
                                         unsigned region, size_t address);

// For each job: load, its frames, copy RAM, save. Seconds, and a checksum of the RAM.
std::pair<double, uint64_t> time_rollout(Core& core,
                                         const std::vector<std::vector<uint8_t>>& states,
                                         std::span<const int32_t> parents,
                                         std::span<const uint16_t> inputs, size_t frames,
                                         size_t ports);

}  // namespace copain
