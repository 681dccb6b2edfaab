// One instance of a libretro core: its library, its game, and what it told through callbacks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "batch/interrupt.h"
#include "libretro/api.h"
#include "libretro/audio.h"
#include "libretro/library.h"
#include "libretro/options.h"
#include "libretro/video.h"

namespace copain {

constexpr size_t kPorts = 8;     // the most joypads that are told to a core
constexpr size_t kButtons = 16;  // the bits of one joypad

struct LibraryInfo {
    std::string name;
    std::string version;
    std::vector<std::string> extensions;
    bool needs_path = false;
};

// One descriptor of the core's memory map.
struct MemoryRegion {
    std::string address_space;
    uint64_t start = 0;
    uint64_t length = 0;
    uint64_t flags = 0;
    uint8_t* data = nullptr;
};

using Controller = std::pair<std::string, unsigned>;  // name, device id

// A core runs on any thread, on one at a time: a call while another thread is inside throws
// CoreError. What the core does inside a callback that cannot be allowed is noted, and thrown
// when the core's function has returned.
class Core {
  public:
    Core(const std::string& library, std::string system_directory, std::string save_directory);
    ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    const LibraryInfo& info() const { return info_; }
    const Options& options() const { return options_; }
    void set_option(const std::string& key, const std::string& value);

    // For each of the caller's button bits, the RetroPad button (0-15) it presses, or -1.
    void set_buttons(std::span<const int> retropad);
    void set_device(unsigned port, unsigned device);
    // Of system RAM only so many bytes are seen, for cores that claim more than there is.
    void limit_ram(size_t bytes) { ram_limit_ = bytes; }

    void load_game(const std::string& path, std::span<const uint8_t> data);
    bool has_game() const { return loaded_; }

    const retro_system_av_info& av_info() const { return av_info_; }
    bool is_pal() const { return pal_; }
    const std::vector<std::vector<Controller>>& controllers() const { return controllers_; }

    // Runs frames with the same buttons held, one value a port. The last frame's picture and
    // the sound of all are kept.
    void advance(std::span<const uint16_t> held, uint64_t frames, const Interrupt& interrupt);
    void reset();

    size_t serialize_size();
    // Writes a savestate into `to`; its length. Throws CoreError if it does not fit.
    size_t save_state(std::span<uint8_t> to);
    std::vector<uint8_t> save_state();
    void load_state(std::span<const uint8_t> data);

    // Frames that the last advance ran: fewer than asked for if something ended it.
    uint64_t frames_run() const { return frames_run_; }

    // Whether batches let the core draw and mix. Cores that can do without (they ask by
    // GET_AUDIO_VIDEO_ENABLE) are faster then; some skip what games can see, such as the flag
    // for too many sprites.
    void set_draws_in_batches(bool draws) { draws_in_batches_ = draws; }
    bool draws_in_batches() const { return draws_in_batches_; }

    const std::vector<MemoryRegion>& memory_map() const { return memory_map_; }

    bool has_picture() const { return video_.has_frame(); }
    Picture picture() const { return video_.picture(); }
    void grey_picture(GreyPicture& to) const { video_.grey(to); }
    const std::vector<int16_t>& samples() const { return audio_.samples(); }
    const std::deque<std::string>& log() const { return log_; }

    // Marks the core as used by this thread, and lets its callbacks find it. Who reads what
    // frames change holds one.
    class Use {
      public:
        explicit Use(Core& core);
        ~Use();
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

        // A region's memory as it lies in the core now; empty if there is none. Cores may move
        // it. Throws CoreError if no game is loaded.
        std::span<uint8_t> memory(unsigned region) const;

      protected:
        Core& core_;

      private:
        Core* outer_;
    };

    // A use for many frames: nothing between the core and its caller but the callbacks.
    class Batch : public Use {
      public:
        explicit Batch(Core& core);
        ~Batch();

        void load(std::span<const uint8_t> state) { core_.load_now(state); }
        size_t save(std::span<uint8_t> to) { return core_.save_now(to); }
        size_t state_size() const { return core_.functions().serialize_size(); }
        void frame(const uint16_t* held, size_t ports) {
            core_.hold(held, ports);
            core_.functions().run();
        }
        // Whether the next frame's picture is kept; at first it is not.
        void keep_picture(bool keep) { core_.video_.wanted = keep || core_.repeats_frames_; }
        // Throws what the core did that cannot be allowed.
        void check() { core_.check("run a frame"); }
    };

  private:
    friend struct Callbacks;

    const CoreFunctions& functions() const { return library_.functions(); }
    void hold(const uint16_t* held, size_t ports);
    void load_now(std::span<const uint8_t> state);
    size_t save_now(std::span<uint8_t> to);
    void need_game(const char* what) const;
    void check(const char* what);
    void note(const std::string& refusal);
    void add_log(std::string line);
    std::string last_words() const;
    bool environment(unsigned command, void* data);
    void set_memory_map(const retro_memory_map& map);
    void set_controllers(const retro_controller_info* info);
    bool takes_memory(const std::string& extension) const;

    Library library_;
    const std::string system_directory_;
    const std::string save_directory_;
    LibraryInfo info_;
    Options options_;
    std::vector<std::pair<std::string, bool>> path_overrides_;  // extension, needs a path
    std::vector<std::vector<Controller>> controllers_;
    std::vector<MemoryRegion> memory_map_;
    retro_system_av_info av_info_{};
    size_t ram_limit_ = SIZE_MAX;
    bool pal_ = false;

    std::string game_path_, game_directory_, game_name_, game_extension_;
    std::vector<uint8_t> game_;  // kept: some cores do not copy it
    retro_game_info_ext game_info_{};
    bool initialised_ = false;
    bool loaded_ = false;
    bool repeats_frames_ = false;
    bool draws_in_batches_ = true;
    bool drawing_ = true;  // what GET_AUDIO_VIDEO_ENABLE is answered
    uint64_t frames_run_ = 0;

    // pads_[port]: RetroPad bits held; low_ and high_: RetroPad bits of each byte of a joypad.
    std::array<uint16_t, kPorts> pads_{};
    std::array<uint16_t, 256> low_{}, high_{};

    Video video_;
    Audio audio_;
    std::deque<std::string> log_;
    std::string refusal_;
    std::atomic<bool> busy_ = false;
};

}  // namespace copain
