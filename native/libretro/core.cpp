#include "libretro/core.h"

#include <algorithm>
#include <fstream>

#include "batch/error.h"
#include "libretro/callbacks.h"
#include "libretro/determinism.h"
#include "libretro/text.h"

namespace copain {

namespace {

constexpr size_t kLogLines = 200;
constexpr uint64_t kFramesBetweenInterrupts = 64;

}  // namespace

Core::Use::Use(Core& core) : core_(core), outer_(Callbacks::current) {
    if (core.busy_.exchange(true, std::memory_order_acquire))
        throw CoreError("this core is in use by another thread; one thread at a time may use it");
    Callbacks::current = &core;
    restart_chance();
}

Core::Use::~Use() {
    Callbacks::current = outer_;
    core_.busy_.store(false, std::memory_order_release);
}

std::span<uint8_t> Core::Use::memory(unsigned region) const {
    core_.need_game("look into memory");
    auto* const data = static_cast<uint8_t*>(core_.functions().get_memory_data(region));
    size_t size = data ? core_.functions().get_memory_size(region) : 0;
    if (region == RETRO_MEMORY_SYSTEM_RAM)
        size = std::min(size, core_.ram_limit_);
    return {data, size};
}

Core::Batch::Batch(Core& core) : Use(core) {
    core.need_game("run a frame");
    core.video_.wanted = core.audio_.wanted = false;
    core.drawing_ = core.draws_in_batches_;
    core.audio_.clear();
}

Core::Batch::~Batch() {
    core_.video_.wanted = core_.audio_.wanted = core_.drawing_ = true;
}

Core::Core(const std::string& library, std::string system_directory, std::string save_directory)
    : library_(library),
      system_directory_(std::move(system_directory)),
      save_directory_(std::move(save_directory)) {
    Use use(*this);
    retro_system_info about{};
    functions().get_system_info(&about);
    info_.name = text_of(about.library_name);
    info_.version = text_of(about.library_version);
    info_.extensions = split(text_of(about.valid_extensions), '|');
    info_.needs_path = about.need_fullpath;
    for (size_t bit = 0; bit < 8; ++bit) {  // until set_buttons: copain's bits are RetroPad ids
        low_[size_t{1} << bit] = static_cast<uint16_t>(1u << bit);
        high_[size_t{1} << bit] = static_cast<uint16_t>(256u << bit);
    }
    functions().set_environment(&Callbacks::environment);
    functions().set_video_refresh(&Callbacks::video_refresh);
    functions().set_audio_sample(&Callbacks::audio_sample);
    functions().set_audio_sample_batch(&Callbacks::audio_sample_batch);
    functions().set_input_poll(&Callbacks::input_poll);
    functions().set_input_state(&Callbacks::input_state);
    functions().init();
    initialised_ = true;
    refusal_.clear();  // what mattered comes up again in load_game
}

Core::~Core() {
    Core* const outer = std::exchange(Callbacks::current, this);
    if (loaded_)
        functions().unload_game();
    if (initialised_)
        functions().deinit();
    Callbacks::current = outer;
}

void Core::set_option(const std::string& key, const std::string& value) {
    Use use(*this);
    options_.set(key, value, !loaded_);
}

void Core::set_buttons(std::span<const int> retropad) {
    Use use(*this);
    if (retropad.size() > kButtons)
        throw CoreError("a joypad has at most 16 buttons, not " + std::to_string(retropad.size()));
    std::array<uint16_t, kButtons> masks{};
    for (size_t bit = 0; bit < retropad.size(); ++bit) {
        if (retropad[bit] < -1 || retropad[bit] >= static_cast<int>(kButtons))
            throw CoreError("RetroPad buttons are 0 to 15, or -1 for none, not " +
                            std::to_string(retropad[bit]));
        if (retropad[bit] >= 0)
            masks[bit] = static_cast<uint16_t>(1u << retropad[bit]);
    }
    for (size_t value = 0; value < 256; ++value) {
        low_[value] = high_[value] = 0;
        for (size_t bit = 0; bit < 8; ++bit) {
            if (value >> bit & 1) {
                low_[value] = static_cast<uint16_t>(low_[value] | masks[bit]);
                high_[value] = static_cast<uint16_t>(high_[value] | masks[bit + 8]);
            }
        }
    }
}

void Core::set_device(unsigned port, unsigned device) {
    Use use(*this);
    need_game("set a controller");
    if (port >= kPorts)
        throw CoreError("ports are 0 to 7, not " + std::to_string(port));
    functions().set_controller_port_device(port, device);
    check("set a controller");
}

bool Core::takes_memory(const std::string& extension) const {
    for (const auto& [name, needs_path] : path_overrides_)
        if (name == extension)
            return !needs_path;
    return !info_.needs_path;
}

void Core::load_game(const std::string& path, std::span<const uint8_t> data) {
    Use use(*this);
    if (loaded_)
        throw CoreError("this core has a game already; open another core for another game");
    game_path_ = path;
    const size_t slash = path.rfind('/');
    game_directory_ = slash == std::string::npos ? "." : path.substr(0, slash);
    game_name_ = slash == std::string::npos ? path : path.substr(slash + 1);
    const size_t dot = game_name_.rfind('.');
    if (dot != std::string::npos) {
        game_extension_ = lower_case(game_name_.substr(dot + 1));
        game_name_.resize(dot);
    }
    const bool by_memory = takes_memory(game_extension_);
    if (!by_memory && !std::ifstream(path))  // not all cores notice
        throw CoreError(info_.name + " reads games from files only, and '" + path +
                        "' is not one that can be read");
    if (by_memory && data.empty())  // cores would look for the path
        throw CoreError("the game is empty");
    game_.assign(data.begin(), data.end());

    retro_game_info game{};
    game.path = game_path_.c_str();
    game_info_ = {};
    game_info_.full_path = game_path_.c_str();
    game_info_.dir = game_directory_.c_str();
    game_info_.name = game_name_.c_str();
    game_info_.ext = game_extension_.c_str();
    if (by_memory) {
        game.data = game_info_.data = game_.data();
        game.size = game_info_.size = game_.size();
        game_info_.persistent_data = true;
    }
    const bool accepted = functions().load_game(&game);
    const std::string why = std::exchange(refusal_, "");
    if (!accepted)
        throw CoreError(info_.name + " refuses this game" + (why.empty() ? "" : ": " + why) +
                        last_words());
    try {
        options_.check_all_known();
        if (!why.empty())
            throw CoreError(info_.name + ": " + why + last_words());
    } catch (...) {
        functions().unload_game();
        throw;
    }
    loaded_ = true;
    functions().get_system_av_info(&av_info_);
    pal_ = functions().get_region() == RETRO_REGION_PAL;
    // Joypads everywhere, as RetroArch does. Nestopia has nothing plugged in until it is told.
    for (unsigned port = 0; port < controllers_.size(); ++port)
        functions().set_controller_port_device(port, RETRO_DEVICE_JOYPAD);
}

void Core::advance(std::span<const uint16_t> held, uint64_t frames, const Interrupt& interrupt) {
    Use use(*this);
    need_game("run a frame");
    if (held.size() > kPorts)
        throw CoreError("at most 8 joypads, not " + std::to_string(held.size()));
    hold(held.data(), held.size());
    audio_.clear();
    frames_run_ = 0;
    for (uint64_t i = 1; i <= frames; ++i) {
        // A core that repeats frames may say in the last one: the picture is that of before.
        video_.wanted = i == frames || repeats_frames_;
        restart_chance();
        functions().run();
        frames_run_ = i;
        check("run a frame");
        if (i % kFramesBetweenInterrupts == 0 && i != frames)
            interrupt();
    }
}

void Core::reset() {
    Use use(*this);
    need_game("reset");
    functions().reset();
    check("reset");
}

size_t Core::serialize_size() {
    Use use(*this);
    need_game("save a state");
    return functions().serialize_size();
}

size_t Core::save_state(std::span<uint8_t> to) {
    Use use(*this);
    need_game("save a state");
    return save_now(to);
}

std::vector<uint8_t> Core::save_state() {
    Use use(*this);
    need_game("save a state");
    std::vector<uint8_t> state(functions().serialize_size());
    state.resize(save_now(state));
    return state;
}

void Core::load_state(std::span<const uint8_t> data) {
    Use use(*this);
    need_game("load a state");
    load_now(data);
}

void Core::hold(const uint16_t* held, size_t ports) {
    restart_chance();
    size_t port = 0;
    for (; port < ports; ++port)
        pads_[port] = static_cast<uint16_t>(low_[held[port] & 255] | high_[held[port] >> 8]);
    for (; port < kPorts; ++port)
        pads_[port] = 0;
}

void Core::load_now(std::span<const uint8_t> state) {
    restart_chance();
    const bool accepted = functions().unserialize(state.data(), state.size());
    check("load a state");
    if (!accepted)
        throw CoreError(info_.name + " refuses this savestate of " + std::to_string(state.size()) +
                        " bytes" + last_words());
}

size_t Core::save_now(std::span<uint8_t> to) {
    const size_t size = functions().serialize_size();
    if (size == 0)
        throw CoreError(info_.name + " has no savestates for this game");
    if (size > to.size())
        throw CoreError("a savestate of " + std::to_string(size) + " bytes does not fit into " +
                        std::to_string(to.size()));
    const bool done = functions().serialize(to.data(), size);
    check("save a state");
    if (!done)
        throw CoreError(info_.name + " cannot save a state now" + last_words());
    return size;
}

void Core::need_game(const char* what) const {
    if (!loaded_)
        throw CoreError(std::string("no game is loaded: cannot ") + what);
}

void Core::check(const char* what) {
    if (refusal_.empty()) [[likely]]
        return;
    const std::string why = std::exchange(refusal_, "");
    throw CoreError(info_.name + ", asked to " + what + ": " + why + last_words());
}

void Core::note(const std::string& refusal) {
    if (refusal_.empty())
        refusal_ = refusal;
}

void Core::add_log(std::string line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
        line.pop_back();
    if (line.empty())
        return;
    log_.push_back(std::move(line));
    if (log_.size() > kLogLines)
        log_.pop_front();
}

std::string Core::last_words() const {
    std::string text;
    for (size_t i = log_.size() - std::min<size_t>(log_.size(), 3); i < log_.size(); ++i)
        text += (text.empty() ? "; the core's last words: " : " / ") + log_[i];
    return text;
}

}  // namespace copain
