// What a core asks of, and tells, its host: retro_environment_t, and the other callbacks.
#include <cstdarg>
#include <cstdio>

#include "libretro/callbacks.h"
#include "libretro/core.h"
#include "libretro/text.h"

namespace copain {

namespace {

constexpr int kEnglish = 0;
constexpr unsigned kNewestOptions = 2;
constexpr unsigned kMessagesWithLevels = 1;
constexpr int kOrdinarySavestates = 0;

template <typename T>
void answer(void* data, T value) {
    *static_cast<T*>(data) = value;
}

template <typename T>
const T& told(const void* data) {
    return *static_cast<const T*>(data);
}

const char* graphics_name(int context) {
    switch (context) {
        case 1:
        case 3:
            return "OpenGL";
        case 2:
        case 4:
        case 5:
            return "OpenGL ES";
        case 6:
            return "Vulkan";
        default:
            return "Direct3D";
    }
}

const char* level_name(int level) {
    static constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
    return level >= 0 && level <= RETRO_LOG_ERROR ? kNames[level] : "log";
}

}  // namespace

thread_local Core* Callbacks::current = nullptr;

bool Callbacks::environment(unsigned command, void* data) noexcept {
    try {
        return current && current->environment(command, data);
    } catch (...) {
        return false;
    }
}

void Callbacks::video_refresh(const void* data, unsigned width, unsigned height,
                              size_t pitch) noexcept {
    try {
        if (current)
            current->video_.keep(data, width, height, pitch);
    } catch (...) {  // no memory: the picture before stays
    }
}

void Callbacks::audio_sample(int16_t left, int16_t right) noexcept {
    const int16_t pair[2] = {left, right};
    audio_sample_batch(pair, 1);
}

size_t Callbacks::audio_sample_batch(const int16_t* data, size_t frames) noexcept {
    try {
        if (current)
            current->audio_.add(data, frames);
    } catch (...) {  // no memory: the samples are lost
    }
    return frames;
}

void Callbacks::input_poll() noexcept {}

int16_t Callbacks::input_state(unsigned port, unsigned device, unsigned, unsigned id) noexcept {
    if (!current || port >= kPorts || (device & RETRO_DEVICE_MASK) != RETRO_DEVICE_JOYPAD)
        return 0;
    const uint16_t held = current->pads_[port];
    if (id == RETRO_DEVICE_ID_JOYPAD_MASK)
        return static_cast<int16_t>(held);
    return id < kButtons ? static_cast<int16_t>(held >> id & 1) : int16_t{0};
}

void Callbacks::log(retro_log_level level, const char* format, ...) noexcept {
    if (!current || !format)
        return;
    char line[1024];
    std::va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    try {
        if (length > 0)
            current->add_log(std::string(level_name(level)) + ": " + line);
    } catch (...) {  // no memory: the line is lost
    }
}

bool Core::environment(unsigned command, void* data) {
    switch (command) {
        // What the core tells of itself.
        case RETRO_ENVIRONMENT_SET_VARIABLES:
            options_.declare(static_cast<const retro_variable*>(data));
            return true;
        case RETRO_ENVIRONMENT_SET_CORE_OPTIONS:
            options_.declare(static_cast<const retro_core_option_definition*>(data));
            return true;
        case RETRO_ENVIRONMENT_SET_CORE_OPTIONS_INTL:
            options_.declare(told<retro_core_options_intl>(data).us);
            return true;
        case RETRO_ENVIRONMENT_SET_CORE_OPTIONS_V2:
            options_.declare(told<retro_core_options_v2>(data).definitions);
            return true;
        case RETRO_ENVIRONMENT_SET_CORE_OPTIONS_V2_INTL:
            options_.declare(told<retro_core_options_v2_intl>(data).us->definitions);
            return true;
        case RETRO_ENVIRONMENT_SET_CONTROLLER_INFO:
            set_controllers(static_cast<const retro_controller_info*>(data));
            return true;
        case RETRO_ENVIRONMENT_SET_MEMORY_MAPS:
            set_memory_map(told<retro_memory_map>(data));
            return true;
        case RETRO_ENVIRONMENT_SET_CONTENT_INFO_OVERRIDE:
            for (auto* content = static_cast<const retro_system_content_info_override*>(data);
                 content && content->extensions; ++content)
                for (std::string& name : split(content->extensions, '|'))
                    path_overrides_.emplace_back(std::move(name), content->need_fullpath);
            return true;
        case RETRO_ENVIRONMENT_SET_INPUT_DESCRIPTORS:
        case RETRO_ENVIRONMENT_SET_KEYBOARD_CALLBACK:
        case RETRO_ENVIRONMENT_SET_PERFORMANCE_LEVEL:
        case RETRO_ENVIRONMENT_SET_SERIALIZATION_QUIRKS:
        case RETRO_ENVIRONMENT_SET_SERIALIZATION_QUIRKS_NEW:
        case RETRO_ENVIRONMENT_SET_SUPPORT_ACHIEVEMENTS:
        case RETRO_ENVIRONMENT_SET_SUPPORT_NO_GAME:
            return true;  // taken note of: nothing follows from it here

        // Pictures.
        case RETRO_ENVIRONMENT_SET_PIXEL_FORMAT:
            switch (told<int>(data)) {
                case RETRO_PIXEL_FORMAT_0RGB1555:
                case RETRO_PIXEL_FORMAT_XRGB8888:
                case RETRO_PIXEL_FORMAT_RGB565:
                    video_.format = told<retro_pixel_format>(data);
                    return true;
                default:
                    return false;
            }
        case RETRO_ENVIRONMENT_SET_ROTATION:
            video_.rotation = told<unsigned>(data) % 4;
            return true;
        case RETRO_ENVIRONMENT_SET_GEOMETRY:
            av_info_.geometry = told<retro_game_geometry>(data);
            return true;
        case RETRO_ENVIRONMENT_SET_SYSTEM_AV_INFO:
            av_info_ = told<retro_system_av_info>(data);
            return true;
        case RETRO_ENVIRONMENT_GET_OVERSCAN:
            answer(data, true);
            return true;
        case RETRO_ENVIRONMENT_GET_CAN_DUPE:
            repeats_frames_ = true;
            answer(data, true);
            return true;
        case RETRO_ENVIRONMENT_SET_HW_RENDER:
            note(std::string("it asks for hardware rendering (") + graphics_name(told<int>(data)) +
                 "), which is not available here");
            return false;

        // Options.
        case RETRO_ENVIRONMENT_GET_CORE_OPTIONS_VERSION:
            answer(data, kNewestOptions);
            return true;
        case RETRO_ENVIRONMENT_GET_VARIABLE: {
            auto& variable = *static_cast<retro_variable*>(data);
            variable.value = options_.value(variable.key);
            return variable.value != nullptr;
        }
        case RETRO_ENVIRONMENT_GET_VARIABLE_UPDATE:
            answer(data, options_.take_changed());
            return true;
        case RETRO_ENVIRONMENT_SET_VARIABLE:
            return !data || options_.set_by_core(told<retro_variable>(data));

        // The core's surroundings: the same on every machine, apart from the folders.
        case RETRO_ENVIRONMENT_GET_SYSTEM_DIRECTORY:
        case RETRO_ENVIRONMENT_GET_CORE_ASSETS_DIRECTORY:
            answer(data, system_directory_.c_str());
            return true;
        case RETRO_ENVIRONMENT_GET_SAVE_DIRECTORY:
            answer(data, save_directory_.c_str());
            return true;
        case RETRO_ENVIRONMENT_GET_LIBRETRO_PATH:
            answer(data, library_.path().c_str());
            return true;
        case RETRO_ENVIRONMENT_GET_USERNAME:
            answer(data, "copain");
            return true;
        case RETRO_ENVIRONMENT_GET_LANGUAGE:
            answer(data, kEnglish);
            return true;
        case RETRO_ENVIRONMENT_GET_GAME_INFO_EXT:
            if (game_info_.full_path == nullptr)
                return false;
            answer(data, static_cast<const retro_game_info_ext*>(&game_info_));
            return true;
        case RETRO_ENVIRONMENT_GET_INPUT_BITMASKS:
            return true;
        case RETRO_ENVIRONMENT_GET_INPUT_MAX_USERS:
            answer(data, static_cast<unsigned>(kPorts));
            return true;
        case RETRO_ENVIRONMENT_GET_FASTFORWARDING:
            answer(data, false);
            return true;
        case RETRO_ENVIRONMENT_GET_SAVESTATE_CONTEXT:
            if (data)
                answer(data, kOrdinarySavestates);
            return true;
        case RETRO_ENVIRONMENT_GET_AUDIO_VIDEO_ENABLE:
            if (data)
                answer(data, drawing_ ? RETRO_AV_ENABLE_VIDEO | RETRO_AV_ENABLE_AUDIO : 0);
            return true;

        // Words for people.
        case RETRO_ENVIRONMENT_GET_LOG_INTERFACE:
            static_cast<retro_log_callback*>(data)->log = &Callbacks::log;
            return true;
        case RETRO_ENVIRONMENT_SET_MESSAGE:
            if (const char* text = told<retro_message>(data).msg)
                add_log(std::string("message: ") + text);
            return true;
        case RETRO_ENVIRONMENT_GET_MESSAGE_INTERFACE_VERSION:
            answer(data, kMessagesWithLevels);
            return true;
        case RETRO_ENVIRONMENT_SET_MESSAGE_EXT:
            if (const char* text = told<retro_message_ext>(data).msg)
                add_log(std::string("message: ") + text);
            return true;
        case RETRO_ENVIRONMENT_SHUTDOWN:
            note("it shuts itself down");
            return true;

        default:  // rumble, sensors, cameras, clocks, other file systems: not here
            return false;
    }
}

void Core::set_memory_map(const retro_memory_map& map) {
    memory_map_.clear();
    for (unsigned i = 0; i < map.num_descriptors; ++i) {
        const retro_memory_descriptor& from = map.descriptors[i];
        if (!from.ptr || !from.len)
            continue;
        MemoryRegion region;
        region.address_space = from.addrspace ? from.addrspace : "";
        region.start = from.start;
        region.length = from.len;
        region.flags = from.flags;
        region.data = static_cast<uint8_t*>(from.ptr) + from.offset;
        memory_map_.push_back(std::move(region));
    }
}

void Core::set_controllers(const retro_controller_info* info) {
    controllers_.clear();
    for (; info && info->types && controllers_.size() < kPorts; ++info) {
        std::vector<Controller>& port = controllers_.emplace_back();
        for (unsigned i = 0; i < info->num_types; ++i)
            if (const char* name = info->types[i].desc)
                port.emplace_back(name, info->types[i].id);
    }
}

}  // namespace copain
