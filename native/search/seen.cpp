#include "search/seen.h"

#include <algorithm>

namespace copain {

namespace {

constexpr size_t kFirstRooms = 64;
constexpr size_t kAhead = 16;  // rows: as far as memory is late
// What one look at a page of a file may bring into memory: Linux maps those around it too.
constexpr size_t kAround = 64 * 1024;

// Maps a hash to 0 to `rooms` - 1 by its high bits, for any number of rooms.
// https://lemire.me/blog/2016/06/27/a-fast-alternative-to-the-modulo-reduction/
size_t home_of(uint64_t hash, size_t rooms) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<size_t>(static_cast<Wide>(hash) * rooms >> 64);
}

}  // namespace

SeenTable::Place& SeenTable::Part::room_of(uint64_t hash) const {
    Place* all = places();
    const size_t count = rooms();
    size_t at = home_of(hash, count);
    while (all[at].hash != hash && all[at].hash != 0)
        at = at + 1 == count ? 0 : at + 1;
    return all[at];
}

size_t SeenTable::mapped() const {
    return std::min(in_files_, touched_ * kAround);
}

void SeenTable::let_go() {
    for (const Part& part : parts_)
        part.pages.let_go();
    touched_ = 0;
}

void SeenTable::grow(Part& part) {
    const size_t before = part.pages.size();
    const size_t size = sizeof(Place) * std::max(kFirstRooms, part.rooms() + part.rooms() / 2);
    const size_t freed = part.pages.in_file() ? 0 : before;
    const bool spills = !folder_.empty() && in_memory_ - freed + size + window() > most_;
    Part larger{Pages(size, spills ? folder_ : ""), part.used};
    for (size_t at = 0; at < part.rooms(); ++at)
        if (const Place& place = part.places()[at]; place.hash != 0)
            larger.room_of(place.hash) = place;
    (part.pages.in_file() ? in_files_ : in_memory_) -= before;
    (spills ? in_files_ : in_memory_) += size;
    if (spills)
        larger.pages.let_go();
    part = std::move(larger);
}

// The room where a hash is, or where it belongs.
SeenTable::Place& SeenTable::room(uint64_t hash) {
    return hash == 0 ? zero_ : parts_[hash % kParts].room_of(hash);
}

// A part of the memory is for pages of files, while they are looked at.
size_t SeenTable::window() const {
    return folder_.empty() ? 0 : std::max(most_ / 4, 4 * kAround);
}

void SeenTable::look_at(const Part& part) {
    if (part.pages.in_file() && ++touched_ * kAround > window())
        let_go();
}

const int64_t* SeenTable::find(uint64_t hash) {
    if (hash == 0)
        return has_zero_ ? &zero_.score : nullptr;
    const Part& part = parts_[hash % kParts];
    if (part.rooms() == 0)
        return nullptr;
    look_at(part);
    const Place& place = part.room_of(hash);
    return place.hash == 0 ? nullptr : &place.score;
}

void SeenTable::improve(std::span<const uint64_t> hashes, std::span<const int64_t> scores,
                        std::span<bool> improved, SeenTable* older) {
    for (size_t row = 0; row < hashes.size(); ++row) {
        if (row + kAhead < hashes.size()) {
            const uint64_t later = hashes[row + kAhead];
            const Part& part = parts_[later % kParts];
            if (part.rooms() != 0 && !part.pages.in_file())
                __builtin_prefetch(part.places() + home_of(later, part.rooms()));
        }
        const uint64_t hash = hashes[row];
        Part& part = parts_[hash % kParts];
        if (4 * (part.used + 1) > 3 * part.rooms())
            grow(part);
        look_at(part);
        Place& place = room(hash);
        const bool is_new = hash == 0 ? !has_zero_ : place.hash == 0;
        improved[row] = is_new || scores[row] > place.score;
        if (is_new && older != nullptr)
            if (const int64_t* score = older->find(hash))
                improved[row] = scores[row] > *score;
        if (!improved[row])
            continue;
        place = {hash, scores[row]};
        if (!is_new)
            continue;
        ++size_;
        if (hash == 0)
            has_zero_ = true;
        else
            ++part.used;
    }
    // What a later row of the same batch did better is not taken.
    for (size_t row = 0; row < hashes.size(); ++row) {
        if (!improved[row])
            continue;
        look_at(parts_[hashes[row] % kParts]);
        improved[row] = room(hashes[row]).score == scores[row];
    }
}

}  // namespace copain
