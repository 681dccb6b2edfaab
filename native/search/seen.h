// Places that a search has been to: a hash table from RAM hash to best score.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace copain {

// Takes hashes as they are: they must be well mixed, as those of RamHash are. Grows part by part,
// by half each, so that a table of gigabytes never needs twice its memory to grow.
class SeenTable {
  public:
    struct Place {
        uint64_t hash;
        int64_t score;
    };

    size_t size() const { return size_; }
    size_t bytes() const;

    // Notes each row that is at a new place, or at a known one with a higher score, and says so.
    // Of rows of one batch at the same place the best is taken, of equal ones the first.
    void improve(std::span<const uint64_t> hashes, std::span<const int64_t> scores,
                 std::span<bool> improved);

  private:
    // Open addressing with linear probing; rooms of hash 0 are free. The place of hash 0 has a
    // room of its own.
    struct Part {
        std::vector<Place> rooms;
        size_t used = 0;
    };
    static constexpr size_t kParts = 64;

    static Place& room_of(std::vector<Place>& rooms, uint64_t hash);
    static void grow(Part& part);
    Place& room(uint64_t hash);

    std::array<Part, kParts> parts_;
    Place zero_{0, 0};
    bool has_zero_ = false;
    size_t size_ = 0;
};

}  // namespace copain
