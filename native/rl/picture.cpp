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

// line[x] = or += a[x] * w[0] + b[x] * w[1] + c[x] * w[2] + d[x] * w[3], all within 15 bits.
void add_lines(const uint8_t* __restrict a, const uint8_t* __restrict b,
               const uint8_t* __restrict c, const uint8_t* __restrict d, const int16_t* w,
               int16_t* __restrict line, size_t wide, bool first) {
    size_t x = 0;
#ifdef __SSSE3__
    const __m128i zero = _mm_setzero_si128();
    const __m128i w0 = _mm_set1_epi16(w[0]), w1 = _mm_set1_epi16(w[1]), w2 = _mm_set1_epi16(w[2]),
                  w3 = _mm_set1_epi16(w[3]);
    for (; x + 16 <= wide; x += 16) {
        const auto load = [x](const uint8_t* row) {
            return _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + x));
        };
        const __m128i ra = load(a), rb = load(b), rc = load(c), rd = load(d);
        const auto sum = [&](const auto& half) {
            return _mm_add_epi16(
                _mm_add_epi16(_mm_mullo_epi16(half(ra), w0), _mm_mullo_epi16(half(rb), w1)),
                _mm_add_epi16(_mm_mullo_epi16(half(rc), w2), _mm_mullo_epi16(half(rd), w3)));
        };
        __m128i low = sum([&](__m128i row) { return _mm_unpacklo_epi8(row, zero); });
        __m128i high = sum([&](__m128i row) { return _mm_unpackhi_epi8(row, zero); });
        auto* to = reinterpret_cast<__m128i*>(line + x);
        if (!first) {
            low = _mm_add_epi16(low, _mm_loadu_si128(to));
            high = _mm_add_epi16(high, _mm_loadu_si128(to + 1));
        }
        _mm_storeu_si128(to, low);
        _mm_storeu_si128(to + 1, high);
    }
#endif
    for (; x < wide; ++x)
        line[x] = static_cast<int16_t>((first ? 0 : line[x]) + a[x] * w[0] + b[x] * w[1] +
                                       c[x] * w[2] + d[x] * w[3]);
}

// to[x] = the sum of `taps` products from line[first[x]] on, of 14 bits, rounded.
void add_columns(const int16_t* __restrict line, const uint32_t* __restrict first,
                 const int16_t* __restrict weights, size_t taps, uint8_t* __restrict to,
                 size_t width) {
    size_t x = 0;
#ifdef __SSSE3__
    // Four pixels at a time, each the sum of four products.
    const auto products = [&](size_t i) {
        const auto load = [](const int16_t* four) {
            return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(four));
        };
        const __m128i two = _mm_unpacklo_epi64(load(line + first[i]), load(line + first[i + 1]));
        const auto* both = reinterpret_cast<const __m128i*>(weights + i * kGroup);
        return _mm_madd_epi16(two, _mm_loadu_si128(both));
    };
    for (; taps == kGroup && x + 4 <= width; x += 4) {
        const __m128i sums = _mm_hadd_epi32(products(x), products(x + 2));
        const __m128i means = _mm_srli_epi32(_mm_add_epi32(sums, _mm_set1_epi32(1 << 13)), 14);
        const __m128i words = _mm_packs_epi32(means, means);
        const int four = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
        std::memcpy(to + x, &four, sizeof four);
    }
#endif
    for (; x < width; ++x) {
        int sum = 1 << 13;
        for (size_t k = 0; k < taps; ++k)
            sum += line[first[x] + k] * weights[x * taps + k];
        to[x] = static_cast<uint8_t>(sum >> 14);
    }
}

}  // namespace

void GreyPicture::resize(size_t to_width, size_t to_height) {
    width = to_width;
    height = to_height;
    pixels.resize(width * height + kSpare);
}

std::array<uint8_t, 512> greys_of(std::span<const uint8_t> palette) {
    std::array<uint8_t, 512> greys{};
    if (palette.size() != 3 * greys.size())
        throw CoreError("a palette of 512 colours is needed");
    for (size_t i = 0; i < greys.size(); ++i)
        greys[i] = grey_of(palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]);
    return greys;
}

void narrow(const uint16_t* __restrict from, uint8_t* __restrict to, size_t pixels) {
    for (size_t i = 0; i < pixels; ++i)
        to[i] = static_cast<uint8_t>(from[i]);
}

void brighten(uint8_t* __restrict to, const uint8_t* __restrict other, size_t pixels) {
    for (size_t i = 0; i < pixels; ++i)
        to[i] = std::max(to[i], other[i]);
}

// In units of 1/to of a pixel each has `to`, and each that is made covers `size`: whole numbers.
void Shrink::Axis::prepare(size_t from_size, size_t to_size) {
    if (size == from_size && to == to_size)
        return;
    size = from_size;
    to = to_size;
    size_t most = 1;  // that one of them covers
    for (size_t i = 0; i < to; ++i)
        most = std::max(most, ((i + 1) * size + to - 1) / to - i * size / to);
    taps = (most + kGroup - 1) / kGroup * kGroup;
    first.assign(to, 0);
    weights.assign(to * taps, 0);
    for (size_t i = 0; i < to; ++i) {
        const size_t low = i * size, high = low + size;
        first[i] = static_cast<uint32_t>(low / to);
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
            add_lines(a, b, c, d, w, line, wide, group == 0);
        }
        add_columns(line, across_.first.data(), across_.weights.data(), across_.taps,
                    to + y * width, width);
    }
}

}  // namespace copain
