#include "batch/pool.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include "batch/error.h"

namespace copain {

namespace {

// A slot's length is kept in 32 bits, its number in 31.
constexpr uint64_t kMost = std::numeric_limits<int32_t>::max();

[[noreturn]] void not_in_use(int64_t slot) {
    throw CoreError("slot " + std::to_string(slot) + " of the pool is not in use");
}

}  // namespace

void Pool::Release::operator()(uint8_t* data) const {
    std::free(data);
}

Pool::Pool(uint64_t slot_size, uint64_t capacity) : slot_size_(slot_size), capacity_(capacity) {
    if (slot_size > kMost || capacity > kMost)
        throw CoreError("a pool of " + std::to_string(capacity) + " slots of " +
                        std::to_string(slot_size) + " bytes: both are at most " +
                        std::to_string(kMost));
    data_.reset(static_cast<uint8_t*>(std::malloc(std::max<size_t>(slot_size * capacity, 1))));
    if (!data_)
        throw CoreError("there is no memory for a pool of " + std::to_string(capacity) +
                        " slots of " + std::to_string(slot_size) + " bytes");
}

bool Pool::in_use(int64_t slot) const {
    return slot >= 0 && static_cast<size_t>(slot) < slots_.size() &&
           slots_[static_cast<size_t>(slot)].used;
}

int32_t Pool::put(std::span<const uint8_t> data, int64_t frame) {
    if (data.size() > slot_size_)
        throw CoreError("a savestate of " + std::to_string(data.size()) +
                        " bytes does not fit into a slot of " + std::to_string(slot_size_));
    int32_t slot = 0;
    allot({&slot, 1});
    if (!data.empty())
        std::memcpy(room(slot).data(), data.data(), data.size());
    wrote(slot, data.size(), frame);
    return slot;
}

std::pair<std::span<const uint8_t>, int64_t> Pool::get(int64_t slot) const {
    if (!in_use(slot))
        not_in_use(slot);
    const auto index = static_cast<size_t>(slot);
    return {{&data_[index * slot_size_], slots_[index].length}, slots_[index].frame};
}

void Pool::free(std::span<const int32_t> slots) {
    size_t done = 0;
    for (; done < slots.size(); ++done) {
        if (!in_use(slots[done]))
            break;
        slots_[static_cast<size_t>(slots[done])].used = false;
    }
    if (done < slots.size()) {  // also a slot named twice: give all back
        for (size_t i = 0; i < done; ++i)
            slots_[static_cast<size_t>(slots[i])].used = true;
        not_in_use(slots[done]);
    }
    used_ -= slots.size();
    for (const int32_t slot : slots)
        lowest_ = std::min(lowest_, static_cast<size_t>(slot));
}

void Pool::allot(std::span<int32_t> slots) {
    if (slots.size() > capacity_ - used_)
        throw CoreError("the pool is full: " + std::to_string(used_) + " of its " +
                        std::to_string(capacity_) + " slots are in use, and " +
                        std::to_string(slots.size()) + " more are needed");
    // No memory is found out here, before anything is changed.
    if (const size_t most = slots_.size() + slots.size(); most > slots_.capacity())
        slots_.reserve(std::max(most, 2 * slots_.size()));
    for (int32_t& slot : slots) {
        while (lowest_ < slots_.size() && slots_[lowest_].used)
            ++lowest_;
        if (lowest_ == slots_.size())
            slots_.emplace_back();
        slots_[lowest_] = {0, 0, true};
        slot = static_cast<int32_t>(lowest_++);
    }
    used_ += slots.size();
}

void Pool::wrote(int32_t slot, size_t length, int64_t frame) {
    slots_[static_cast<size_t>(slot)].length = static_cast<uint32_t>(length);
    slots_[static_cast<size_t>(slot)].frame = frame;
}

}  // namespace copain
