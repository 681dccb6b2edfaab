#include "batch/ram_hash.h"

#include <algorithm>
#include <cstring>

namespace copain {

namespace {

// Both as little-endian words; other machines would have to swap.
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

// The finaliser of SplitMix64, https://prng.di.unimi.it/splitmix64.c.
uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

uint64_t scrambled(uint64_t word, uint64_t multiplier) {
    const uint64_t product = (word ^ word >> 32) * multiplier;
    return product ^ product >> 29;
}

}  // namespace

RamHash::RamHash(size_t size, std::span<const uint8_t> mask)
    : size_(size), multipliers_((size + 7) / 8), mask_(multipliers_.size(), ~uint64_t{0}) {
    for (size_t i = 0; i < multipliers_.size(); ++i)
        multipliers_[i] = mix((i + 1) * 0x9E3779B97F4A7C15u) | 1;
    if (!mask.empty())
        std::memcpy(mask_.data(), mask.data(), std::min(size, mask.size()));
}

uint64_t RamHash::operator()(const uint8_t* ram) const {
    uint64_t total = size_;
    const size_t whole = size_ / 8;
    for (size_t i = 0; i < whole; ++i) {
        uint64_t word;
        std::memcpy(&word, ram + 8 * i, 8);
        total += scrambled(word & mask_[i], multipliers_[i]);
    }
    if (size_ % 8 != 0) {
        uint64_t word = 0;
        std::memcpy(&word, ram + 8 * whole, size_ % 8);
        total += scrambled(word & mask_[whole], multipliers_[whole]);
    }
    return mix(total);
}

}  // namespace copain
