// The last frame as the core drew it, turned into red, green and blue when it is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libretro/api.h"
#include "rl/picture.h"

namespace copain {

struct Picture {
    size_t width = 0;
    size_t height = 0;
    std::vector<uint8_t> rgb;  // height * width * 3
};

class Video {
  public:
    retro_pixel_format format = RETRO_PIXEL_FORMAT_0RGB1555;
    unsigned rotation = 0;  // quarter turns, counter-clockwise
    bool wanted = true;     // whether the next frame is kept

    // A frame from the core; nullptr says that it is the same as the one before.
    void keep(const void* data, unsigned width, unsigned height, size_t pitch);

    bool has_frame() const { return width_ != 0; }

    // The kept frame, upright.
    Picture picture() const;
    // The same in grey.
    void grey(GreyPicture& to) const;

  private:
    std::vector<uint8_t> raw_;  // rows without padding, in the core's format
    size_t width_ = 0;
    size_t height_ = 0;
    retro_pixel_format raw_format_ = RETRO_PIXEL_FORMAT_0RGB1555;
};

}  // namespace copain
