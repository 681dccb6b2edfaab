// The part of libretro's C interface that this host speaks: names, numbers and struct layouts.
// They are the ABI, as given in libretro.h of https://github.com/libretro/libretro-common
// (include/libretro.h), where every call is explained. The words here are ours.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

constexpr unsigned RETRO_API_VERSION = 1;

constexpr unsigned RETRO_DEVICE_MASK = 0xff;  // the rest of a device id is its subclass
constexpr unsigned RETRO_DEVICE_JOYPAD = 1;
constexpr unsigned RETRO_DEVICE_ID_JOYPAD_MASK = 256;  // all sixteen buttons in one answer

constexpr unsigned RETRO_REGION_PAL = 1;

constexpr unsigned RETRO_MEMORY_SYSTEM_RAM = 2;

enum retro_pixel_format : int {
    RETRO_PIXEL_FORMAT_0RGB1555 = 0,
    RETRO_PIXEL_FORMAT_XRGB8888 = 1,
    RETRO_PIXEL_FORMAT_RGB565 = 2,
};

enum retro_log_level : int {
    RETRO_LOG_DEBUG = 0,
    RETRO_LOG_INFO = 1,
    RETRO_LOG_WARN = 2,
    RETRO_LOG_ERROR = 3,
};

constexpr unsigned RETRO_ENVIRONMENT_EXPERIMENTAL = 0x10000;
constexpr unsigned RETRO_ENVIRONMENT_SET_ROTATION = 1;
constexpr unsigned RETRO_ENVIRONMENT_GET_OVERSCAN = 2;
constexpr unsigned RETRO_ENVIRONMENT_GET_CAN_DUPE = 3;
constexpr unsigned RETRO_ENVIRONMENT_SET_MESSAGE = 6;
constexpr unsigned RETRO_ENVIRONMENT_SHUTDOWN = 7;
constexpr unsigned RETRO_ENVIRONMENT_SET_PERFORMANCE_LEVEL = 8;
constexpr unsigned RETRO_ENVIRONMENT_GET_SYSTEM_DIRECTORY = 9;
constexpr unsigned RETRO_ENVIRONMENT_SET_PIXEL_FORMAT = 10;
constexpr unsigned RETRO_ENVIRONMENT_SET_INPUT_DESCRIPTORS = 11;
constexpr unsigned RETRO_ENVIRONMENT_SET_KEYBOARD_CALLBACK = 12;
constexpr unsigned RETRO_ENVIRONMENT_SET_HW_RENDER = 14;
constexpr unsigned RETRO_ENVIRONMENT_GET_VARIABLE = 15;
constexpr unsigned RETRO_ENVIRONMENT_SET_VARIABLES = 16;
constexpr unsigned RETRO_ENVIRONMENT_GET_VARIABLE_UPDATE = 17;
constexpr unsigned RETRO_ENVIRONMENT_SET_SUPPORT_NO_GAME = 18;
constexpr unsigned RETRO_ENVIRONMENT_GET_LIBRETRO_PATH = 19;
constexpr unsigned RETRO_ENVIRONMENT_GET_LOG_INTERFACE = 27;
constexpr unsigned RETRO_ENVIRONMENT_GET_CORE_ASSETS_DIRECTORY = 30;
constexpr unsigned RETRO_ENVIRONMENT_GET_SAVE_DIRECTORY = 31;
constexpr unsigned RETRO_ENVIRONMENT_SET_SYSTEM_AV_INFO = 32;
constexpr unsigned RETRO_ENVIRONMENT_SET_SUBSYSTEM_INFO = 34;
constexpr unsigned RETRO_ENVIRONMENT_SET_CONTROLLER_INFO = 35;
constexpr unsigned RETRO_ENVIRONMENT_SET_MEMORY_MAPS = 36 | RETRO_ENVIRONMENT_EXPERIMENTAL;
constexpr unsigned RETRO_ENVIRONMENT_SET_GEOMETRY = 37;
constexpr unsigned RETRO_ENVIRONMENT_GET_USERNAME = 38;
constexpr unsigned RETRO_ENVIRONMENT_GET_LANGUAGE = 39;
constexpr unsigned RETRO_ENVIRONMENT_SET_SUPPORT_ACHIEVEMENTS = 42 | RETRO_ENVIRONMENT_EXPERIMENTAL;
constexpr unsigned RETRO_ENVIRONMENT_GET_AUDIO_VIDEO_ENABLE = 47 | RETRO_ENVIRONMENT_EXPERIMENTAL;
constexpr unsigned RETRO_ENVIRONMENT_GET_FASTFORWARDING = 49 | RETRO_ENVIRONMENT_EXPERIMENTAL;
constexpr unsigned RETRO_ENVIRONMENT_GET_INPUT_BITMASKS = 51 | RETRO_ENVIRONMENT_EXPERIMENTAL;
constexpr unsigned RETRO_ENVIRONMENT_GET_CORE_OPTIONS_VERSION = 52;
constexpr unsigned RETRO_ENVIRONMENT_SET_CORE_OPTIONS = 53;
constexpr unsigned RETRO_ENVIRONMENT_SET_CORE_OPTIONS_INTL = 54;
constexpr unsigned RETRO_ENVIRONMENT_SET_CORE_OPTIONS_DISPLAY = 55;
constexpr unsigned RETRO_ENVIRONMENT_GET_MESSAGE_INTERFACE_VERSION = 59;
constexpr unsigned RETRO_ENVIRONMENT_SET_MESSAGE_EXT = 60;
constexpr unsigned RETRO_ENVIRONMENT_GET_INPUT_MAX_USERS = 61;
constexpr unsigned RETRO_ENVIRONMENT_SET_CONTENT_INFO_OVERRIDE = 65;
constexpr unsigned RETRO_ENVIRONMENT_GET_GAME_INFO_EXT = 66;
constexpr unsigned RETRO_ENVIRONMENT_SET_CORE_OPTIONS_V2 = 67;
constexpr unsigned RETRO_ENVIRONMENT_SET_CORE_OPTIONS_V2_INTL = 68;
constexpr unsigned RETRO_ENVIRONMENT_SET_VARIABLE = 70;
constexpr unsigned RETRO_ENVIRONMENT_GET_SAVESTATE_CONTEXT = 72 | RETRO_ENVIRONMENT_EXPERIMENTAL;
// Moved in later headers; built cores ask by the old number.
constexpr unsigned RETRO_ENVIRONMENT_SET_SERIALIZATION_QUIRKS = 44;
constexpr unsigned RETRO_ENVIRONMENT_SET_SERIALIZATION_QUIRKS_NEW = 87;

constexpr int RETRO_AV_ENABLE_VIDEO = 1 << 0;
constexpr int RETRO_AV_ENABLE_AUDIO = 1 << 1;

struct retro_message {
    const char* msg;
    unsigned frames;
};

struct retro_message_ext {
    const char* msg;
    unsigned duration;
    unsigned priority;
    retro_log_level level;
    int target;
    int type;
    int8_t progress;
};

struct retro_log_callback {
    void (*log)(retro_log_level level, const char* format, ...);
};

struct retro_system_info {
    const char* library_name;
    const char* library_version;
    const char* valid_extensions;  // "nes|fds"
    bool need_fullpath;
    bool block_extract;
};

struct retro_system_content_info_override {
    const char* extensions;
    bool need_fullpath;
    bool persistent_data;
};

struct retro_game_info {
    const char* path;
    const void* data;
    size_t size;
    const char* meta;
};

struct retro_game_info_ext {
    const char* full_path;
    const char* archive_path;
    const char* archive_file;
    const char* dir;
    const char* name;
    const char* ext;
    const char* meta;
    const void* data;
    size_t size;
    bool file_in_archive;
    bool persistent_data;
};

struct retro_game_geometry {
    unsigned base_width;
    unsigned base_height;
    unsigned max_width;
    unsigned max_height;
    float aspect_ratio;
};

struct retro_system_timing {
    double fps;
    double sample_rate;
};

struct retro_system_av_info {
    retro_game_geometry geometry;
    retro_system_timing timing;
};

struct retro_variable {
    const char* key;
    const char* value;
};

constexpr size_t RETRO_NUM_CORE_OPTION_VALUES_MAX = 128;

struct retro_core_option_value {
    const char* value;
    const char* label;
};

struct retro_core_option_definition {
    const char* key;
    const char* desc;
    const char* info;
    retro_core_option_value values[RETRO_NUM_CORE_OPTION_VALUES_MAX];
    const char* default_value;
};

struct retro_core_options_intl {
    const retro_core_option_definition* us;
    const retro_core_option_definition* local;
};

struct retro_core_option_v2_definition {
    const char* key;
    const char* desc;
    const char* desc_categorized;
    const char* info;
    const char* info_categorized;
    const char* category_key;
    retro_core_option_value values[RETRO_NUM_CORE_OPTION_VALUES_MAX];
    const char* default_value;
};

struct retro_core_options_v2 {
    const void* categories;
    const retro_core_option_v2_definition* definitions;
};

struct retro_core_options_v2_intl {
    const retro_core_options_v2* us;
    const retro_core_options_v2* local;
};

struct retro_memory_descriptor {
    uint64_t flags;
    void* ptr;
    size_t offset;
    size_t start;
    size_t select;
    size_t disconnect;
    size_t len;
    const char* addrspace;
};

struct retro_memory_map {
    const retro_memory_descriptor* descriptors;
    unsigned num_descriptors;
};

struct retro_controller_description {
    const char* desc;
    unsigned id;
};

struct retro_controller_info {
    const retro_controller_description* types;
    unsigned num_types;
};

using retro_environment_t = bool (*)(unsigned command, void* data);
using retro_video_refresh_t = void (*)(const void* data, unsigned width, unsigned height,
                                       size_t pitch);
using retro_audio_sample_t = void (*)(int16_t left, int16_t right);
using retro_audio_sample_batch_t = size_t (*)(const int16_t* data, size_t frames);
using retro_input_poll_t = void (*)();
using retro_input_state_t = int16_t (*)(unsigned port, unsigned device, unsigned index,
                                        unsigned id);

}  // extern "C"
