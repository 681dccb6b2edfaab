// Savestates as numbered slots of one block of memory.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace copain {

// One thread at a time changes a pool; a rollout holds it from start to end, others wait.
class Pool {
  public:
    // Room for `capacity` savestates of up to `slot_size` bytes; pages are taken when used.
    // Throws CoreError if there is no such room.
    Pool(uint64_t slot_size, uint64_t capacity);

    size_t slot_size() const { return slot_size_; }
    size_t capacity() const { return capacity_; }
    size_t used() const { return used_; }

    // All throw CoreError: when full, too long, or a slot is not in use.
    int32_t put(std::span<const uint8_t> data, int64_t frame);
    std::pair<std::span<const uint8_t>, int64_t> get(int64_t slot) const;
    void free(std::span<const int32_t> slots);  // all or none

    // Takes the lowest free slots, in order; throws CoreError, and takes none, if too few.
    void allot(std::span<int32_t> slots);
    // The room of a slot in use, and what was written into it.
    std::span<uint8_t> room(int32_t slot) { return {&data_[slot * slot_size_], slot_size_}; }
    void wrote(int32_t slot, size_t length, int64_t frame);
    bool in_use(int64_t slot) const;

    std::mutex& mutex() { return mutex_; }

  private:
    struct Slot {
        int64_t frame = 0;
        uint32_t length = 0;
        bool used = false;
    };
    struct Release {
        void operator()(uint8_t* data) const;
    };

    size_t slot_size_;
    size_t capacity_;
    std::vector<Slot> slots_;  // those that were ever used
    std::unique_ptr<uint8_t[], Release> data_;
    size_t used_ = 0;
    size_t lowest_ = 0;  // no slot before it is free
    std::mutex mutex_;
};

}  // namespace copain
