#include "search/seen.h"

#include <algorithm>

namespace copain {

namespace {

constexpr size_t kFirstRooms = 64;
constexpr size_t kAhead = 16;  // rows: as far as memory is late

// Maps a hash to 0 to `rooms` - 1 by its high bits, for any number of rooms.
// https://lemire.me/blog/2016/06/27/a-fast-alternative-to-the-modulo-reduction/
size_t home_of(uint64_t hash, size_t rooms) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<size_t>(static_cast<Wide>(hash) * rooms >> 64);
}

}  // namespace

size_t SeenTable::bytes() const {
    size_t rooms = 0;
    for (const Part& part : parts_)
        rooms += part.rooms.capacity();
    return rooms * sizeof(Place);
}

SeenTable::Place& SeenTable::room_of(std::vector<Place>& rooms, uint64_t hash) {
    size_t at = home_of(hash, rooms.size());
    while (rooms[at].hash != hash && rooms[at].hash != 0)
        at = at + 1 == rooms.size() ? 0 : at + 1;
    return rooms[at];
}

void SeenTable::grow(Part& part) {
    std::vector<Place> larger(std::max(kFirstRooms, part.rooms.size() + part.rooms.size() / 2));
    for (const Place& place : part.rooms)
        if (place.hash != 0)
            room_of(larger, place.hash) = place;
    part.rooms.swap(larger);
}

// The room where a hash is, or where it belongs.
SeenTable::Place& SeenTable::room(uint64_t hash) {
    return hash == 0 ? zero_ : room_of(parts_[hash % kParts].rooms, hash);
}

void SeenTable::improve(std::span<const uint64_t> hashes, std::span<const int64_t> scores,
                        std::span<bool> improved) {
    for (size_t row = 0; row < hashes.size(); ++row) {
        if (row + kAhead < hashes.size()) {
            const uint64_t later = hashes[row + kAhead];
            const std::vector<Place>& rooms = parts_[later % kParts].rooms;
            if (!rooms.empty())
                __builtin_prefetch(&rooms[home_of(later, rooms.size())]);
        }
        const uint64_t hash = hashes[row];
        Part& part = parts_[hash % kParts];
        if (4 * (part.used + 1) > 3 * part.rooms.size())
            grow(part);
        Place& place = room(hash);
        const bool is_new = hash == 0 ? !has_zero_ : place.hash == 0;
        improved[row] = is_new || scores[row] > place.score;
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
    for (size_t row = 0; row < hashes.size(); ++row)
        improved[row] = improved[row] && room(hashes[row]).score == scores[row];
}

}  // namespace copain
