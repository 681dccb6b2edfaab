// Many rollouts in one call, on as many threads as there are cores.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "libretro/core.h"
#include "libretro/pool.h"

namespace copain {

// B jobs of T frames. All arrays are the caller's, in C order, and of the sizes named.
struct RolloutBatch {
    size_t jobs = 0;                   // B
    size_t frames = 0;                 // T
    size_t ports = 0;                  // P
    size_t ram_size = 0;               // R
    std::span<const int32_t> parents;  // B: slots of the pool
    std::span<const uint16_t> inputs;  // B * T * P
    bool keep = false;                 // whether the ends get slots
    std::span<const int64_t> watch;    // W addresses in RAM
    std::span<const uint8_t> mask;     // R, or none
    std::span<uint8_t> ram;            // B * R, written
    std::span<uint8_t> watched;        // B * T * W, written
    std::span<int32_t> slots;          // B, written: slots, or -1 if nothing is kept
    std::span<uint64_t> hashes;        // B, written
};

// Plays the batch. What is written does not depend on the number of cores. Throws CoreError, and
// leaves the pool as it was, for a parent not in use, a full pool, an address outside of RAM, or
// a core that refuses. `interrupt` is called now and then on the calling thread.
void rollout(std::span<const std::shared_ptr<Core>> cores, Pool& pool, const RolloutBatch& batch,
             const Interrupt& interrupt);

}  // namespace copain
