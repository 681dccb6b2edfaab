// Places that a search holds, packed: a savestate and the RAM that goes with it, as differences to
// those of another place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "batch/pool.h"
#include "search/spill.h"

namespace copain {

// One thread at a time. Numbers name places from `put` to `drop`.
class Shelf {
  public:
    // What does not fit into `most` bytes of memory is in a file in `folder`, if it is given.
    Shelf(size_t ram_size, size_t most, std::string folder);

    size_t size() const { return items_.size() - free_.size(); }
    // Of memory, and of files; and what the places take that are packed.
    size_t bytes() const;
    size_t spilled() const { return file_.bytes(); }
    size_t packed() const { return live_; }

    // Packs a savestate with its RAM.
    int64_t put(std::span<const uint8_t> state, int64_t frame, std::span<const uint8_t> ram);
    // Unpacks a place: the savestate into `room`, whose size is given back with its frame, and RAM.
    std::pair<size_t, int64_t> take(int64_t number, std::span<uint8_t> room,
                                    std::span<uint8_t> ram) const;
    void drop(std::span<const int64_t> numbers);

  private:
    struct Item {
        uint32_t chunk = 0, at = 0, length = 0;  // of length 0: free
        uint32_t reference = 0;
    };
    struct Chunk {
        std::unique_ptr<uint8_t[]> bytes;  // none: in the file, or given back
        size_t room = 0, used = 0, items = 0;
        uint64_t in_file = 0;
    };
    struct Reference {
        std::vector<uint8_t> state, ram;
        size_t items = 0;
    };

    const Item& item(int64_t number) const;
    std::span<const uint8_t> bytes_of(const Item& item) const;
    void append(Item& item, std::span<const uint8_t> data);
    void let_go(const Item& item);
    void free_chunk(uint32_t number);
    void spill();
    void close_holes();

    size_t ram_size_, most_;
    bool spills_;
    std::vector<Item> items_;
    std::vector<int64_t> free_;
    std::vector<Chunk> chunks_;
    std::vector<uint32_t> free_chunks_;
    std::deque<uint32_t> filled_;  // in memory, the oldest first
    uint32_t filling_ = 0;
    std::vector<Reference> references_;
    std::vector<uint32_t> free_references_;
    uint32_t reference_ = 0;
    size_t put_since_ = 0;  // places since this is the reference
    size_t in_memory_ = 0, live_ = 0, dead_ = 0, of_references_ = 0;
    SpillFile file_;
    mutable std::vector<uint8_t> read_;
    std::vector<uint8_t> packed_;
};

}  // namespace copain
