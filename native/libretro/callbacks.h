// The C functions that a core calls, and how they find their instance.
#pragma once

#include "libretro/api.h"

namespace copain {

class Core;

// libretro's callbacks carry no pointer of ours: the instance that the thread is inside of is
// noted beside them. A core's own threads are inside of none: they are told "no", and ignored.
// No exception leaves these functions.
struct Callbacks {
    static thread_local Core* current;

    static bool environment(unsigned command, void* data) noexcept;
    static void video_refresh(const void* data, unsigned width, unsigned height,
                              size_t pitch) noexcept;
    static void audio_sample(int16_t left, int16_t right) noexcept;
    static size_t audio_sample_batch(const int16_t* data, size_t frames) noexcept;
    static void input_poll() noexcept;
    static int16_t input_state(unsigned port, unsigned device, unsigned index,
                               unsigned id) noexcept;
    static void log(retro_log_level level, const char* format, ...) noexcept;
};

}  // namespace copain
