// The 64-bit hash of a RAM, the same number as copain.rollout.ram_hash gives.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace copain {

class RamHash {
  public:
    // For RAM of `size` bytes; the mask has that many too, or none.
    RamHash(size_t size, std::span<const uint8_t> mask);

    uint64_t operator()(const uint8_t* ram) const;

  private:
    size_t size_;
    std::vector<uint64_t> multipliers_;  // an odd constant for each 64-bit word
    std::vector<uint64_t> mask_;
};

}  // namespace copain
