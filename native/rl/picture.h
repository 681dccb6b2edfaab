// What is seen of pictures: in grey, and smaller. copain.sight is the reference.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace copain {

// How bright a colour is: the weights of ITU-R BT.601 in 256ths.
constexpr uint8_t grey_of(unsigned red, unsigned green, unsigned blue) {
    return static_cast<uint8_t>((77 * red + 150 * green + 29 * blue + 128) >> 8);
}

struct GreyPicture {
    size_t width = 0;
    size_t height = 0;
    std::vector<uint8_t> pixels;  // height * width, and some to spare

    void resize(size_t to_width, size_t to_height);
};

// The greys of a palette of 512 times red, green, blue.
std::array<uint8_t, 512> greys_of(std::span<const uint8_t> palette);

// The lower bytes.
void narrow(const uint16_t* from, uint8_t* to, size_t pixels);

// to[i] = max(to[i], other[i])
void brighten(uint8_t* to, const uint8_t* other, size_t pixels);

// Shrinks by area to one size; keeps the weights for the size it had last.
class Shrink {
  public:
    void operator()(const GreyPicture& from, uint8_t* to, size_t width, size_t height);

  private:
    // For each pixel to make: the first that it covers, and the weights of `taps` from there on,
    // in 128ths.
    struct Axis {
        size_t size = 0, to = 0, taps = 0;
        std::vector<uint32_t> first;
        std::vector<int16_t> weights;

        void prepare(size_t from_size, size_t to_size);
    };

    Axis down_, across_;
    std::vector<int16_t> line_;
};

}  // namespace copain
