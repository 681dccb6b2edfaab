// A private copy of a core's library, and the functions it exports.
#pragma once

#include <string>

#include "libretro/api.h"

namespace copain {

// The functions of a core that the host calls.
struct CoreFunctions {
    void (*set_environment)(retro_environment_t);
    void (*set_video_refresh)(retro_video_refresh_t);
    void (*set_audio_sample)(retro_audio_sample_t);
    void (*set_audio_sample_batch)(retro_audio_sample_batch_t);
    void (*set_input_poll)(retro_input_poll_t);
    void (*set_input_state)(retro_input_state_t);
    void (*init)();
    void (*deinit)();
    unsigned (*api_version)();
    void (*get_system_info)(retro_system_info*);
    void (*get_system_av_info)(retro_system_av_info*);
    void (*set_controller_port_device)(unsigned port, unsigned device);
    void (*reset)();
    void (*run)();
    size_t (*serialize_size)();
    bool (*serialize)(void* data, size_t size);
    bool (*unserialize)(const void* data, size_t size);
    bool (*load_game)(const retro_game_info*);
    void (*unload_game)();
    unsigned (*get_region)();
    void* (*get_memory_data)(unsigned region);
    size_t (*get_memory_size)(unsigned region);
};

// One loaded copy of a library file, with globals of its own. All that is POSIX is behind it.
class Library {
  public:
    // Throws CoreError if the file cannot be read, loaded, or is not a libretro core.
    explicit Library(const std::string& path);
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    const CoreFunctions& functions() const { return functions_; }
    const std::string& path() const { return path_; }

  private:
    void open_copy();
    void find_functions();
    void unload();

    std::string path_;
    int descriptor_ = -1;  // open as long as the copy is loaded: its number is the copy's name
    std::string copy_;     // the name that the copy was loaded under
    void* handle_ = nullptr;
    CoreFunctions functions_{};
};

}  // namespace copain
