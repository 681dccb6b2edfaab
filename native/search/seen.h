// Places that a search has been to: a hash table from RAM hash to best score.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "search/spill.h"

namespace copain {

// Takes hashes as they are: they must be well mixed, as those of RamHash are. Grows part by part,
// by half each, so that a table of gigabytes never needs twice its memory to grow.
class SeenTable {
  public:
    struct Place {
        uint64_t hash;
        int64_t score;
    };

    // Parts that do not fit into `most` bytes of memory are in files in `folder`, if it is given.
    explicit SeenTable(size_t most = 0, std::string folder = "")
        : most_(most), folder_(std::move(folder)) {}

    size_t size() const { return size_; }
    // Of memory, and of files.
    size_t bytes() const { return in_memory_ + mapped(); }
    size_t spilled() const { return in_files_; }

    // Notes each row that is at a new place, or at a known one with a higher score, and says so.
    // Of rows of one batch at the same place the best is taken, of equal ones the first. What
    // `older` knows as well or better is no news.
    void improve(std::span<const uint64_t> hashes, std::span<const int64_t> scores,
                 std::span<bool> improved, SeenTable* older = nullptr);

  private:
    // Open addressing with linear probing; rooms of hash 0 are free. The place of hash 0 has a
    // room of its own.
    struct Part {
        Pages pages;
        size_t used = 0;

        size_t rooms() const { return pages.size() / sizeof(Place); }
        Place* places() const { return reinterpret_cast<Place*>(pages.data()); }
        Place& room_of(uint64_t hash) const;
    };
    static constexpr size_t kParts = 64;

    void grow(Part& part);
    Place& room(uint64_t hash);
    // The score that a hash has here, if any.
    const int64_t* find(uint64_t hash);
    size_t mapped() const;
    size_t window() const;
    void look_at(const Part& part);
    void let_go();

    size_t most_;
    std::string folder_;
    std::array<Part, kParts> parts_;
    Place zero_{0, 0};
    bool has_zero_ = false;
    size_t size_ = 0, in_memory_ = 0, in_files_ = 0;
    size_t touched_ = 0;  // rows since pages of files were let go of
};

}  // namespace copain
