// Savestates and RAM as differences to a reference: a few hundred bytes in place of thousands.
//
// Packed items are, one after the other: a number that goes with the item (the savestate's frame),
// the length of what follows, and the difference: the item's size, and runs of bytes as how many
// before the run are the reference's, how many it has, and those. All numbers are unsigned, in
// groups of seven bits, the lowest first, bit 7 says that more follow. Beyond its end a reference
// is zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace copain {

// Appends an item.
void pack(std::vector<uint8_t>& packed, std::span<const uint8_t> item, uint64_t number,
          std::span<const uint8_t> reference);

// One item, before it is unpacked.
struct Unpacked {
    uint64_t number = 0, size = 0;
    std::span<const uint8_t> runs;

    // Unpacks it into the first `size` bytes of `room`; throws CoreError if it has fewer.
    void write(std::span<const uint8_t> reference, std::span<uint8_t> room) const;
};

// The first item; `packed` is what comes after it.
Unpacked take(std::span<const uint8_t>& packed);

// Takes items out again. Bytes that `pack` did not write lead to other items, or to CoreError;
// nothing outside of them is read, and no item becomes larger than `most`.
class Unpacking {
  public:
    Unpacking(std::span<const uint8_t> packed, std::span<const uint8_t> reference, size_t most)
        : packed_(packed), reference_(reference), most_(most) {}

    // The next item and its number; false after the last one.
    bool next(std::vector<uint8_t>& item, uint64_t& number);

  private:
    std::span<const uint8_t> packed_, reference_;
    size_t most_;
};

}  // namespace copain
