// A batch of rollouts: what is asked, and where the answers go.
#pragma once

#include <cstdint>
#include <span>

#include "batch/pool.h"

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
    size_t drawn = 0;                  // frames at the end to draw, which nobody sees (Colibri)
    std::span<const int64_t> watch;    // W addresses in RAM
    std::span<const uint8_t> mask;     // R, or none
    std::span<uint8_t> ram;            // B * R, written
    std::span<uint8_t> watched;        // B * T * W, written
    std::span<int32_t> slots;          // B, written: slots, or -1 if nothing is kept
    std::span<uint64_t> hashes;        // B, written
};

// Throws CoreError for more ports than `most_ports`, a watched address outside of RAM, or a parent
// that is not in use.
void check(const RolloutBatch& batch, const Pool& pool, size_t most_ports);

// Slots for the ends of a batch, allotted in job order before any thread runs; given back unless
// `kept` is called.
class Ends {
  public:
    Ends(Pool& pool, const RolloutBatch& batch);  // throws CoreError if the pool is too full
    ~Ends();
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;

    void kept() { kept_ = true; }

  private:
    Pool& pool_;
    const RolloutBatch& batch_;
    bool kept_ = false;
};

}  // namespace copain
