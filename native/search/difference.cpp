#include "search/difference.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "batch/error.h"

namespace copain {

namespace {

// A run goes on over so many equal bytes: to end it and begin another one takes two.
constexpr size_t kGap = 3;

void put_number(std::vector<uint8_t>& out, uint64_t number) {
    for (; number >= 0x80; number >>= 7)
        out.push_back(static_cast<uint8_t>(number) | 0x80);
    out.push_back(static_cast<uint8_t>(number));
}

[[noreturn]] void damaged() {
    throw CoreError("packed savestates are damaged");
}

uint64_t take_number(std::span<const uint8_t>& in) {
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in.empty())
            damaged();
        const uint8_t byte = in.front();
        in = in.subspan(1);
        number |= uint64_t{byte & 0x7Fu} << shift;
        if (byte < 0x80)
            return number;
    }
    damaged();
}

// The first byte from `at` on that differs, `size` if none does.
size_t find_difference(const uint8_t* a, const uint8_t* b, size_t at, size_t size) {
    constexpr size_t kBlock = 64;
    while (at + kBlock <= size && std::memcmp(a + at, b + at, kBlock) == 0)
        at += kBlock;
    static_assert(std::endian::native == std::endian::little);
    for (; at + 8 <= size; at += 8) {
        uint64_t x, y;
        std::memcpy(&x, a + at, 8);
        std::memcpy(&y, b + at, 8);
        if (x != y)
            return at + static_cast<size_t>(std::countr_zero(x ^ y)) / 8;
    }
    while (at < size && a[at] == b[at])
        ++at;
    return at;
}

// The end of the run of differences that begins at `at`.
size_t end_of_run(const uint8_t* a, const uint8_t* b, size_t at, size_t size) {
    size_t end = at + 1;
    for (at = end; at < size && at - end < kGap; ++at)
        if (a[at] != b[at])
            end = at + 1;
    return end;
}

}  // namespace

void pack(std::vector<uint8_t>& packed, std::span<const uint8_t> item, uint64_t number,
          std::span<const uint8_t> reference) {
    thread_local std::vector<uint8_t> runs;  // their length comes before them
    runs.clear();
    put_number(runs, item.size());
    const auto add_run = [&](size_t after, size_t from, size_t to) {
        put_number(runs, from - after);
        put_number(runs, to - from);
        runs.insert(runs.end(), item.data() + from, item.data() + to);
    };
    const size_t both = std::min(item.size(), reference.size());
    size_t after = 0;
    for (size_t at = 0; at < both;) {
        at = find_difference(item.data(), reference.data(), at, both);
        if (at == both)
            break;
        const size_t end = end_of_run(item.data(), reference.data(), at, both);
        add_run(after, at, end);
        after = at = end;
    }
    if (both < item.size())
        add_run(after, both, item.size());
    put_number(packed, number);
    put_number(packed, runs.size());
    packed.insert(packed.end(), runs.begin(), runs.end());
}

Unpacked take(std::span<const uint8_t>& packed) {
    Unpacked item;
    item.number = take_number(packed);
    const uint64_t length = take_number(packed);
    if (length > packed.size())
        damaged();
    item.runs = packed.first(length);
    packed = packed.subspan(length);
    item.size = take_number(item.runs);
    return item;
}

void Unpacked::write(std::span<const uint8_t> reference, std::span<uint8_t> room) const {
    if (size > room.size())
        damaged();
    const size_t both = std::min<size_t>(size, reference.size());
    if (both > 0)
        std::memcpy(room.data(), reference.data(), both);
    std::memset(room.data() + both, 0, size - both);
    size_t at = 0;
    for (std::span<const uint8_t> left = runs; !left.empty();) {
        const uint64_t skipped = take_number(left);
        if (skipped > size - at)
            damaged();
        at += skipped;
        const uint64_t count = take_number(left);
        if (count > size - at || count > left.size())
            damaged();
        std::memcpy(room.data() + at, left.data(), count);
        left = left.subspan(count);
        at += count;
    }
}

bool Unpacking::next(std::vector<uint8_t>& item, uint64_t& number) {
    if (packed_.empty())
        return false;
    const Unpacked next = take(packed_);
    if (next.size > most_)
        damaged();
    item.resize(next.size);
    next.write(reference_, item);
    number = next.number;
    return true;
}

}  // namespace copain
