#include "rl/picture.h"

#include <algorithm>
#include <cstring>

#include "batch/error.h"

#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

namespace copain {

namespace {

constexpr size_t kSpare = 32;  // pixels that may be read past the end
constexpr size_t kGroup = 4;   // taps are a multiple of it

}  // namespace

void GreyPicture::resize(size_t to_width, size_t to_height) {
    width = to_width;
    height = to_height;
    pixels.resize(width * height + kSpare);
}

Greys::Greys(std::span<const uint8_t> palette) {
    if (palette.size() != 3 * greys_.size())
        throw CoreError("a palette of 512 colours is needed");
    for (size_t i = 0; i < greys_.size(); ++i)
        greys_[i] = grey_of(palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]);
}

void Greys::convert(const uint16_t* from, uint8_t* to, size_t pixels) const {
    size_t i = 0;
#ifdef __SSSE3__
    // Sixteen pixels of one emphasis at a time: its 64 greys are four tables of sixteen, of which
    // a shuffle looks up one, and gives 0 for an index with its upper bit set.
    const __m128i low_bits = _mm_set1_epi16(0x3F), emphasis_bits = _mm_set1_epi16(0x1C0);
    const __m128i beyond = _mm_set1_epi8(0x70);
    int emphasis = -1;
    __m128i tables[4] = {};
    for (; i + 16 <= pixels; i += 16) {
        const __m128i one = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
        const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i + 8));
        const int here = from[i] & 0x1C0;
        const __m128i same = _mm_set1_epi16(static_cast<int16_t>(here));
        const __m128i alike =
            _mm_and_si128(_mm_cmpeq_epi16(_mm_and_si128(one, emphasis_bits), same),
                          _mm_cmpeq_epi16(_mm_and_si128(two, emphasis_bits), same));
        if (_mm_movemask_epi8(alike) != 0xFFFF) {
            for (size_t j = i; j < i + 16; ++j)
                to[j] = greys_[from[j] & 511u];
            continue;
        }
        if (here != emphasis) {
            emphasis = here;
            for (int k = 0; k < 4; ++k)
                tables[k] = _mm_load_si128(
                    reinterpret_cast<const __m128i*>(&greys_[static_cast<size_t>(here + 16 * k)]));
        }
        const __m128i index =
            _mm_packus_epi16(_mm_and_si128(one, low_bits), _mm_and_si128(two, low_bits));
        __m128i grey = _mm_shuffle_epi8(tables[0], _mm_adds_epu8(index, beyond));
        for (int k = 1; k < 4; ++k) {
            const __m128i part = _mm_sub_epi8(index, _mm_set1_epi8(static_cast<char>(16 * k)));
            grey = _mm_or_si128(grey, _mm_shuffle_epi8(tables[k], _mm_adds_epu8(part, beyond)));
        }
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), grey);
    }
#endif
    for (; i < pixels; ++i)
        to[i] = greys_[from[i] & 511u];
}

void brighten(uint8_t* to, const uint8_t* other, size_t pixels) {
    for (size_t i = 0; i < pixels; ++i)
        to[i] = std::max(to[i], other[i]);
}

// In units of 1/to of a pixel each has `to`, and each that is made covers `size`: whole numbers.
void Shrink::Axis::prepare(size_t from_size, size_t to_size) {
    if (size == from_size && to == to_size)
        return;
    size = from_size;
    to = to_size;
    taps = ((size + to - 1) / to + 1 + kGroup - 1) / kGroup * kGroup;
    first.assign(to, 0);
    weights.assign(to * taps, 0);
    for (size_t i = 0; i < to; ++i) {
        const size_t low = i * size, high = low + size;
        first[i] = low / to;
        int left = 128;
        size_t largest = 0;
        int16_t* w = &weights[i * taps];
        for (size_t p = first[i]; p * to < high; ++p) {
            const size_t covered = std::min(high, (p + 1) * to) - std::max(low, p * to);
            const size_t k = p - first[i];
            w[k] = static_cast<int16_t>((256 * covered + size) / (2 * size));
            left -= w[k];
            if (w[k] > w[largest])
                largest = k;
        }
        w[largest] = static_cast<int16_t>(w[largest] + left);
    }
}

void Shrink::operator()(const GreyPicture& from, uint8_t* to, size_t width, size_t height) {
    down_.prepare(from.height, height);
    across_.prepare(from.width, width);
    line_.resize(from.width + across_.taps);
    const size_t wide = from.width;
    int16_t* line = line_.data();
    for (size_t y = 0; y < height; ++y) {
        const int16_t* w = &down_.weights[y * down_.taps];
        for (size_t group = 0; group < down_.taps; group += kGroup, w += kGroup) {
            const size_t row = down_.first[y] + group;
            if (row >= from.height || (group > 0 && w[0] == 0))
                break;
            // Rows past the end have no weight: the last one stands for them.
            const auto at = [&](size_t k) {
                return from.pixels.data() + std::min(row + k, from.height - 1) * wide;
            };
            const uint8_t *a = at(0), *b = at(1), *c = at(2), *d = at(3);
            const int16_t wa = w[0], wb = w[1], wc = w[2], wd = w[3];
            if (group == 0) {
                for (size_t x = 0; x < wide; ++x)
                    line[x] = static_cast<int16_t>(a[x] * wa + b[x] * wb + c[x] * wc + d[x] * wd);
            } else {
                for (size_t x = 0; x < wide; ++x)
                    line[x] = static_cast<int16_t>(line[x] + a[x] * wa + b[x] * wb + c[x] * wc +
                                                   d[x] * wd);
            }
        }
        uint8_t* row = to + y * width;
        const int16_t* weights = across_.weights.data();
        for (size_t x = 0; x < width; ++x, weights += across_.taps) {
            const int16_t* p = line + across_.first[x];
            int sum = 1 << 13;
            for (size_t k = 0; k < across_.taps; ++k)
                sum += p[k] * weights[k];
            row[x] = static_cast<uint8_t>(sum >> 14);
        }
    }
}

}  // namespace copain
