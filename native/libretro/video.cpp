#include "libretro/video.h"

#include <cstring>
#include <type_traits>
#include <utility>

namespace copain {

namespace {

constexpr size_t kLargest = 8192;  // pixels a side; more is a broken core

size_t bytes_a_pixel(retro_pixel_format format) {
    return format == RETRO_PIXEL_FORMAT_XRGB8888 ? 4 : 2;
}

// Five or six bits to eight, so that the brightest becomes 255.
uint8_t widen5(uint16_t value) {
    return static_cast<uint8_t>(value << 3 | value >> 2);
}
uint8_t widen6(uint16_t value) {
    return static_cast<uint8_t>(value << 2 | value >> 4);
}

// Kept so plain that the compiler makes vector code of it (five times as fast).
template <retro_pixel_format format>
void convert(const uint8_t* __restrict from, uint8_t* __restrict to, size_t pixels) {
    using Pixel = std::conditional_t<format == RETRO_PIXEL_FORMAT_XRGB8888, uint32_t, uint16_t>;
    for (size_t i = 0; i < pixels; ++i) {
        Pixel pixel;
        std::memcpy(&pixel, from + i * sizeof pixel, sizeof pixel);
        if constexpr (format == RETRO_PIXEL_FORMAT_XRGB8888) {
            to[3 * i] = static_cast<uint8_t>(pixel >> 16);
            to[3 * i + 1] = static_cast<uint8_t>(pixel >> 8);
            to[3 * i + 2] = static_cast<uint8_t>(pixel);
        } else if constexpr (format == RETRO_PIXEL_FORMAT_RGB565) {
            to[3 * i] = widen5(pixel >> 11);
            to[3 * i + 1] = widen6(pixel >> 5 & 63);
            to[3 * i + 2] = widen5(pixel & 31);
        } else {
            to[3 * i] = widen5(pixel >> 10 & 31);
            to[3 * i + 1] = widen5(pixel >> 5 & 31);
            to[3 * i + 2] = widen5(pixel & 31);
        }
    }
}

// The same into grey.
template <retro_pixel_format format>
void convert_to_grey(const uint8_t* __restrict from, uint8_t* __restrict to, size_t pixels) {
    using Pixel = std::conditional_t<format == RETRO_PIXEL_FORMAT_XRGB8888, uint32_t, uint16_t>;
    for (size_t i = 0; i < pixels; ++i) {
        Pixel pixel;
        std::memcpy(&pixel, from + i * sizeof pixel, sizeof pixel);
        if constexpr (format == RETRO_PIXEL_FORMAT_XRGB8888)
            to[i] = grey_of(pixel >> 16 & 255, pixel >> 8 & 255, pixel & 255);
        else if constexpr (format == RETRO_PIXEL_FORMAT_RGB565)
            to[i] = grey_of(widen5(pixel >> 11), widen6(pixel >> 5 & 63), widen5(pixel & 31));
        else
            to[i] = grey_of(widen5(pixel >> 10 & 31), widen5(pixel >> 5 & 31), widen5(pixel & 31));
    }
}

Picture turned(Picture picture, unsigned quarters) {
    if (quarters == 0)
        return picture;
    const bool lies = quarters % 2 != 0;
    Picture result{lies ? picture.height : picture.width, lies ? picture.width : picture.height,
                   std::vector<uint8_t>(picture.rgb.size())};
    for (size_t y = 0; y < picture.height; ++y) {
        for (size_t x = 0; x < picture.width; ++x) {
            const size_t right = picture.width - 1 - x, below = picture.height - 1 - y;
            const size_t to_x = quarters == 1 ? y : quarters == 2 ? right : below;
            const size_t to_y = quarters == 1 ? right : quarters == 2 ? below : x;
            std::memcpy(&result.rgb[(to_y * result.width + to_x) * 3],
                        &picture.rgb[(y * picture.width + x) * 3], 3);
        }
    }
    return result;
}

}  // namespace

void Video::keep(const void* data, unsigned width, unsigned height, size_t pitch) {
    if (!wanted || !data || !width || !height || width > kLargest || height > kLargest)
        return;
    const size_t row = width * bytes_a_pixel(format);
    raw_.resize(row * height);
    width_ = width;
    height_ = height;
    raw_format_ = format;
    const uint8_t* from = static_cast<const uint8_t*>(data);
    if (pitch == row) {
        std::memcpy(raw_.data(), from, raw_.size());
        return;
    }
    for (size_t y = 0; y < height; ++y)
        std::memcpy(&raw_[y * row], from + y * pitch, row);
}

Picture Video::picture() const {
    Picture picture{width_, height_, std::vector<uint8_t>(width_ * height_ * 3)};
    const size_t pixels = width_ * height_;
    switch (raw_format_) {
        case RETRO_PIXEL_FORMAT_XRGB8888:
            convert<RETRO_PIXEL_FORMAT_XRGB8888>(raw_.data(), picture.rgb.data(), pixels);
            break;
        case RETRO_PIXEL_FORMAT_RGB565:
            convert<RETRO_PIXEL_FORMAT_RGB565>(raw_.data(), picture.rgb.data(), pixels);
            break;
        case RETRO_PIXEL_FORMAT_0RGB1555:
            convert<RETRO_PIXEL_FORMAT_0RGB1555>(raw_.data(), picture.rgb.data(), pixels);
            break;
    }
    return turned(std::move(picture), rotation);
}

void Video::grey(GreyPicture& to) const {
    if (rotation != 0) {
        const Picture upright = picture();
        to.resize(upright.width, upright.height);
        for (size_t i = 0; i < upright.width * upright.height; ++i)
            to.pixels[i] =
                grey_of(upright.rgb[3 * i], upright.rgb[3 * i + 1], upright.rgb[3 * i + 2]);
        return;
    }
    to.resize(width_, height_);
    const size_t pixels = width_ * height_;
    switch (raw_format_) {
        case RETRO_PIXEL_FORMAT_XRGB8888:
            convert_to_grey<RETRO_PIXEL_FORMAT_XRGB8888>(raw_.data(), to.pixels.data(), pixels);
            break;
        case RETRO_PIXEL_FORMAT_RGB565:
            convert_to_grey<RETRO_PIXEL_FORMAT_RGB565>(raw_.data(), to.pixels.data(), pixels);
            break;
        case RETRO_PIXEL_FORMAT_0RGB1555:
            convert_to_grey<RETRO_PIXEL_FORMAT_0RGB1555>(raw_.data(), to.pixels.data(), pixels);
            break;
    }
}

}  // namespace copain
