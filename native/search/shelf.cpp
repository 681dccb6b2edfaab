#include "search/shelf.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "batch/error.h"
#include "search/difference.h"

namespace copain {

namespace {

constexpr size_t kChunk = 256 * 1024;
// Places that share a reference: it takes little of each, and is not far from any.
constexpr size_t kPlaces = 1024;
constexpr size_t kHoles = 16 * kChunk;  // not worth closing below that

}  // namespace

Shelf::Shelf(size_t ram_size, size_t most, std::string folder)
    : ram_size_(ram_size), most_(most), spills_(!folder.empty()), file_(std::move(folder)) {}

size_t Shelf::bytes() const {
    return in_memory_ + of_references_ + items_.capacity() * sizeof(Item) +
           free_.capacity() * sizeof(int64_t) + chunks_.capacity() * sizeof(Chunk);
}

const Shelf::Item& Shelf::item(int64_t number) const {
    if (number < 0 || static_cast<size_t>(number) >= items_.size() ||
        items_[static_cast<size_t>(number)].length == 0)
        throw CoreError("there is no place " + std::to_string(number) + " on the shelf");
    return items_[static_cast<size_t>(number)];
}

std::span<const uint8_t> Shelf::bytes_of(const Item& item) const {
    const Chunk& chunk = chunks_[item.chunk];
    if (chunk.bytes)
        return {&chunk.bytes[item.at], item.length};
    read_.resize(std::max<size_t>(read_.size(), item.length));
    const std::span<uint8_t> bytes(read_.data(), item.length);
    file_.read(chunk.in_file + item.at, bytes);
    return bytes;
}

int64_t Shelf::put(std::span<const uint8_t> state, int64_t frame, std::span<const uint8_t> ram) {
    if (ram.size() != ram_size_)
        throw CoreError("a shelf for RAM of " + std::to_string(ram_size_) + " bytes");
    if (put_since_ == 0) {
        if (free_references_.empty()) {
            free_references_.push_back(static_cast<uint32_t>(references_.size()));
            references_.emplace_back();
        }
        reference_ = free_references_.back();
        free_references_.pop_back();
        references_[reference_] = {{state.begin(), state.end()}, {ram.begin(), ram.end()}, 0};
        of_references_ += state.size() + ram.size();
    }
    Reference& reference = references_[reference_];
    packed_.clear();
    pack(packed_, state, static_cast<uint64_t>(frame), reference.state);
    pack(packed_, ram, 0, reference.ram);
    Item item;
    item.reference = reference_;
    append(item, packed_);
    ++reference.items;
    put_since_ = (put_since_ + 1) % kPlaces;
    int64_t number = static_cast<int64_t>(items_.size());
    if (free_.empty()) {
        items_.push_back(item);
    } else {
        number = free_.back();
        free_.pop_back();
        items_[static_cast<size_t>(number)] = item;
    }
    return number;
}

void Shelf::append(Item& item, std::span<const uint8_t> data) {
    if (chunks_.empty() || chunks_[filling_].used + data.size() > chunks_[filling_].room) {
        if (!chunks_.empty()) {
            filled_.push_back(filling_);
            if (chunks_[filling_].items == 0)
                free_chunk(filling_);
        }
        if (free_chunks_.empty()) {
            free_chunks_.push_back(static_cast<uint32_t>(chunks_.size()));
            chunks_.emplace_back();
        }
        const size_t room = std::max(kChunk, data.size());
        while (spills_ && bytes() + room > most_ && !filled_.empty())
            spill();
        filling_ = free_chunks_.back();
        free_chunks_.pop_back();
        chunks_[filling_] = {std::make_unique_for_overwrite<uint8_t[]>(room), room, 0, 0, 0};
        in_memory_ += room;
    }
    Chunk& chunk = chunks_[filling_];
    item.chunk = filling_;
    item.at = static_cast<uint32_t>(chunk.used);
    item.length = static_cast<uint32_t>(data.size());
    std::memcpy(&chunk.bytes[chunk.used], data.data(), data.size());
    chunk.used += data.size();
    ++chunk.items;
    live_ += data.size();
}

// The oldest chunk goes to the file.
void Shelf::spill() {
    Chunk& chunk = chunks_[filled_.front()];
    chunk.in_file = file_.write({chunk.bytes.get(), chunk.used}, chunk.room);
    filled_.pop_front();
    chunk.bytes.reset();
    in_memory_ -= chunk.room;
}

std::pair<size_t, int64_t> Shelf::take(int64_t number, std::span<uint8_t> room,
                                       std::span<uint8_t> ram) const {
    const Item& found = item(number);
    std::span<const uint8_t> packed = bytes_of(found);
    const Reference& reference = references_[found.reference];
    const Unpacked state = copain::take(packed);
    const Unpacked memory = copain::take(packed);
    if (!room.empty())
        state.write(reference.state, room);
    memory.write(reference.ram, ram);
    return {state.size, static_cast<int64_t>(state.number)};
}

void Shelf::drop(std::span<const int64_t> numbers) {
    for (const int64_t number : numbers) {
        const Item gone = item(number);
        items_[static_cast<size_t>(number)].length = 0;
        free_.push_back(number);
        Reference& reference = references_[gone.reference];
        // The newest one stays, for those to come.
        if (--reference.items == 0 && (gone.reference != reference_ || put_since_ == 0)) {
            of_references_ -= reference.state.size() + reference.ram.size();
            reference = {};
            free_references_.push_back(gone.reference);
        }
        let_go(gone);
    }
    if (dead_ > std::max(kHoles, live_))
        close_holes();
}

void Shelf::let_go(const Item& item) {
    live_ -= item.length;
    dead_ += item.length;
    if (--chunks_[item.chunk].items == 0 && item.chunk != filling_)
        free_chunk(item.chunk);
}

void Shelf::free_chunk(uint32_t number) {
    Chunk& chunk = chunks_[number];
    dead_ -= chunk.used;
    if (chunk.bytes) {
        in_memory_ -= chunk.room;
        filled_.erase(std::ranges::find(filled_, number));
    } else {
        file_.free(chunk.in_file, chunk.room);
    }
    chunk = {};
    free_chunks_.push_back(number);
}

// Places move together, the holes between them are gone.
void Shelf::close_holes() {
    for (Item& item : items_) {
        if (item.length == 0 || item.chunk == filling_)
            continue;
        const std::span<const uint8_t> bytes = bytes_of(item);
        packed_.assign(bytes.begin(), bytes.end());
        const Item before = item;
        append(item, packed_);
        let_go(before);
    }
}

}  // namespace copain
