// What Python sees of the native host: bindings, and nothing else. Signatures and words for
// people are in src/copain/_native.pyi.
#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "batch/error.h"
#include "batch/pool.h"
#include "binding.h"
#include "libretro/copies.h"
#include "libretro/core.h"
#include "libretro/rollout.h"
#include "libretro/timing.h"

namespace copain {

std::span<uint8_t> part_of(std::span<uint8_t> memory, uint64_t address, uint64_t length) {
    if (address > memory.size() || length > memory.size() - address)
        throw CoreError(std::to_string(length) + " bytes at " + std::to_string(address) +
                        " lie outside of this memory, which has " + std::to_string(memory.size()) +
                        " bytes");
    return memory.subspan(address, length);
}

std::unique_lock<std::mutex> hold(Pool& pool) {
    std::unique_lock lock(pool.mutex(), std::try_to_lock);
    if (!lock) {
        const nb::gil_scoped_release released;
        lock.lock();
    }
    return lock;
}

RolloutBatch RolloutArrays::batch() const {
    const size_t jobs = inputs.shape(0), frames = inputs.shape(1), ram_size = ram.shape(1);
    const bool fits = parents.size() == jobs && ram.shape(0) == jobs && slots.size() == jobs &&
                      hashes.size() == jobs && watched.shape(0) == jobs &&
                      watched.shape(1) == frames && watched.shape(2) == watch.size() &&
                      (!mask || mask->size() == ram_size);
    if (!fits)
        throw CoreError(
            "the arrays of this rollout do not fit each other: inputs (B, T, ports) "
            "and watch (W,) need parents (B,), ram (B, R), watched (B, T, W), "
            "slots (B,), hashes (B,), mask (R,)");
    RolloutBatch asked;
    asked.jobs = jobs;
    asked.frames = frames;
    asked.ports = inputs.shape(2);
    asked.ram_size = ram_size;
    asked.parents = span_of(parents);
    asked.inputs = span_of(inputs);
    asked.keep = keep;
    asked.watch = span_of(watch);
    if (mask)
        asked.mask = span_of(*mask);
    asked.ram = span_of(ram);
    asked.watched = span_of(watched);
    asked.slots = span_of(slots);
    asked.hashes = span_of(hashes);
    return asked;
}

namespace {

// A core as Python holds it. Views of its memory, and rollouts that run, hold it too: closing
// lets go, and the library is unloaded when the last of them has.
class Handle {
  public:
    Handle(const std::string& library, const std::string& system, const std::string& save) {
        const nb::gil_scoped_release released;
        core_ = std::make_shared<Core>(library, system, save);
    }

    const std::shared_ptr<Core>& shared() const {
        if (!core_)
            throw CoreError("this core is closed");
        return core_;
    }
    Core& core() const { return *shared(); }
    bool closed() const { return !core_; }
    void close() { core_.reset(); }

  private:
    std::shared_ptr<Core> core_;
};

void advance(Handle& handle, const nb::sequence& held, uint64_t frames) {
    const std::shared_ptr<Core> core = handle.shared();
    std::array<uint16_t, kPorts> bits{};
    size_t ports = 0;
    for (const nb::handle port : held) {
        if (ports == kPorts)
            throw CoreError("at most 8 joypads can be held");
        if (!nb::try_cast(port, bits[ports++]))
            throw nb::type_error("what a port holds is an integer, 0 to 65535");
    }
    const nb::gil_scoped_release released;
    core->advance({bits.data(), ports}, frames, check_signals);
}

nb::object view_memory(Handle& handle, unsigned region) {
    const std::span<uint8_t> memory = Core::Use(handle.core()).memory(region);
    auto* kept = new std::shared_ptr<Core>(handle.shared());
    const nb::capsule owner(
        kept, [](void* data) noexcept { delete static_cast<std::shared_ptr<Core>*>(data); });
    return nb::cast(
        nb::ndarray<nb::numpy, const uint8_t, nb::ndim<1>>(memory.data(), {memory.size()}, owner));
}

nb::object screen(Handle& handle) {
    Core& core = handle.core();
    Core::Use use(core);
    Picture picture = core.picture();
    if (!core.has_picture()) {  // nothing drawn yet: a dark screen of the announced size
        picture.width = core.av_info().geometry.base_width;
        picture.height = core.av_info().geometry.base_height;
        picture.rgb.assign(picture.width * picture.height * 3, 0);
    }
    return to_array(std::move(picture.rgb), {picture.height, picture.width, 3});
}

nb::object audio(Handle& handle) {
    Core& core = handle.core();
    Core::Use use(core);
    return to_array(core.samples(), {core.samples().size() / 2, 2});
}

size_t memory_size(Handle& handle, unsigned region) {
    return Core::Use(handle.core()).memory(region).size();
}

nb::bytes read_memory(Handle& handle, unsigned region, uint64_t address, uint64_t length) {
    const Core::Use use(handle.core());
    return to_bytes(part_of(use.memory(region), address, length));
}

uint8_t read_byte(Handle& handle, unsigned region, uint64_t address) {
    const Core::Use use(handle.core());
    return part_of(use.memory(region), address, 1)[0];
}

void write_memory(Handle& handle, unsigned region, uint64_t address, const nb::bytes& data) {
    const Core::Use use(handle.core());
    const std::span<const uint8_t> from = bytes_of(data);
    std::ranges::copy(from, part_of(use.memory(region), address, from.size()).begin());
}

std::span<uint8_t> mapped(const Core& core, size_t index) {
    const std::vector<MemoryRegion>& map = core.memory_map();
    if (index >= map.size())
        throw CoreError("the memory map has " + std::to_string(map.size()) +
                        " regions; there is no number " + std::to_string(index));
    return {map[index].data, map[index].length};
}

nb::bytes read_map(Handle& handle, size_t index, uint64_t address, uint64_t length) {
    const Core::Use use(handle.core());
    return to_bytes(part_of(mapped(handle.core(), index), address, length));
}

void write_map(Handle& handle, size_t index, uint64_t address, const nb::bytes& data) {
    const Core::Use use(handle.core());
    const std::span<const uint8_t> from = bytes_of(data);
    std::ranges::copy(from, part_of(mapped(handle.core(), index), address, from.size()).begin());
}

// A property that is read while no other thread runs the core.
template <typename Function>
auto reading(Function function) {
    return [function](Handle& handle) {
        const Core::Use use(handle.core());
        return function(handle.core());
    };
}

std::vector<std::string> log_lines(const Core& core) {
    return {core.log().begin(), core.log().end()};
}

std::vector<CoreOption> options(const Core& core) {
    return {core.options().all().begin(), core.options().all().end()};
}

std::pair<unsigned, unsigned> base_size(const Core& core) {
    return {core.av_info().geometry.base_width, core.av_info().geometry.base_height};
}

int32_t put(Pool& pool, const nb::bytes& data, int64_t frame) {
    const auto lock = hold(pool);
    return pool.put(bytes_of(data), frame);
}

std::pair<nb::bytes, int64_t> get(Pool& pool, int64_t slot) {
    const auto lock = hold(pool);
    const auto [state, frame] = pool.get(slot);
    return {to_bytes(state), frame};
}

void free_slots(Pool& pool, const Slots& slots) {
    const auto lock = hold(pool);
    pool.free(span_of(slots));
}

std::vector<std::shared_ptr<Core>> cores_of(const nb::sequence& cores) {
    std::vector<std::shared_ptr<Core>> used;
    for (const nb::handle core : cores) {
        Handle* handle = nullptr;
        if (!nb::try_cast(core, handle) || !handle)
            throw nb::type_error("cores holds something that is not a Core");
        used.push_back(handle->shared());
    }
    return used;
}

void play(const nb::sequence& cores, Pool& pool, const Slots& parents,
          const Array<const uint16_t, nb::ndim<3>>& inputs, bool keep,
          const Array<const int64_t, nb::ndim<1>>& watch,
          const std::optional<Array<const uint8_t, nb::ndim<1>>>& mask,
          const Array<uint8_t, nb::ndim<2>>& ram, const Array<uint8_t, nb::ndim<3>>& watched,
          const Array<int32_t, nb::ndim<1>>& slots, const Array<uint64_t, nb::ndim<1>>& hashes) {
    const std::vector<std::shared_ptr<Core>> used = cores_of(cores);
    const RolloutArrays arrays{parents, inputs, keep, watch, mask, ram, watched, slots, hashes};
    const RolloutBatch batch = arrays.batch();
    const nb::gil_scoped_release released;
    rollout(used, pool, batch, check_signals);
}

void play_on(const nb::sequence& cores, size_t workers, const Slots& rows,
             const Array<const uint16_t, nb::ndim<3>>& inputs, const SeenArrays& arrays) {
    const std::vector<std::shared_ptr<Core>> used = cores_of(cores);
    const Seen seen = arrays.seen(rows, inputs, used.size());
    if (seen.ports > kPorts)
        throw CoreError("at most 8 joypads can be held");
    const nb::gil_scoped_release released;
    play_copies(used, seen, workers, check_signals);
}

std::pair<double, uint64_t> bare_advance(Handle& handle,
                                         const Array<const uint16_t, nb::ndim<2>>& inputs,
                                         unsigned region, size_t address) {
    const std::shared_ptr<Core> core = handle.shared();
    const nb::gil_scoped_release released;
    return time_advance(*core, span_of(inputs), inputs.shape(1), region, address);
}

std::pair<double, uint64_t> bare_rollout(Handle& handle, const std::vector<nb::bytes>& states,
                                         const Slots& parents,
                                         const Array<const uint16_t, nb::ndim<3>>& inputs) {
    const std::shared_ptr<Core> core = handle.shared();
    if (inputs.shape(0) != parents.size())
        throw CoreError("time_rollout: one input log for each parent is needed");
    std::vector<std::vector<uint8_t>> kept;
    for (const nb::bytes& state : states)
        kept.emplace_back(bytes_of(state).begin(), bytes_of(state).end());
    const nb::gil_scoped_release released;
    return time_rollout(*core, kept, span_of(parents), span_of(inputs), inputs.shape(1),
                        inputs.shape(2));
}

}  // namespace

NB_MODULE(_native, module) {
    nb::exception<CoreError>(module, "CoreError", PyExc_RuntimeError);

    nb::class_<LibraryInfo>(module, "LibraryInfo")
        .def_ro("name", &LibraryInfo::name)
        .def_ro("version", &LibraryInfo::version)
        .def_ro("extensions", &LibraryInfo::extensions)
        .def_ro("needs_path", &LibraryInfo::needs_path);

    nb::class_<CoreOption>(module, "CoreOption")
        .def_ro("key", &CoreOption::key)
        .def_ro("description", &CoreOption::description)
        .def_ro("values", &CoreOption::values)
        .def_ro("default", &CoreOption::fallback)
        .def_ro("value", &CoreOption::value);

    nb::class_<MemoryRegion>(module, "MemoryRegion")
        .def_ro("address_space", &MemoryRegion::address_space)
        .def_ro("start", &MemoryRegion::start)
        .def_ro("length", &MemoryRegion::length)
        .def_ro("flags", &MemoryRegion::flags);

    nb::class_<Handle>(module, "Core")
        .def(nb::init<const std::string&, const std::string&, const std::string&>(), "library"_a,
             "system_directory"_a, "save_directory"_a)
        .def_prop_ro("info", [](Handle& self) { return self.core().info(); })
        .def_prop_ro("options", reading(options))
        .def(
            "set_option",
            [](Handle& self, const std::string& key, const std::string& value) {
                self.core().set_option(key, value);
            },
            "key"_a, "value"_a)
        .def(
            "set_buttons",
            [](Handle& self, const std::vector<int>& retropad) {
                self.core().set_buttons(retropad);
            },
            "retropad"_a)
        .def(
            "set_device",
            [](Handle& self, unsigned port, unsigned device) {
                self.core().set_device(port, device);
            },
            "port"_a, "device"_a)
        .def(
            "limit_ram", [](Handle& self, size_t bytes) { self.core().limit_ram(bytes); },
            "bytes"_a)
        .def(
            "load_game",
            [](Handle& self, const std::string& path, const nb::bytes& data) {
                const std::shared_ptr<Core> core = self.shared();
                const std::span<const uint8_t> game = bytes_of(data);
                const nb::gil_scoped_release released;
                core->load_game(path, game);
            },
            "path"_a, "data"_a)
        .def_prop_ro("frame_rate",
                     reading([](const Core& core) { return core.av_info().timing.fps; }))
        .def_prop_ro("sample_rate",
                     reading([](const Core& core) { return core.av_info().timing.sample_rate; }))
        .def_prop_ro("base_size", reading(base_size))
        .def_prop_ro("aspect_ratio",
                     reading([](const Core& core) { return core.av_info().geometry.aspect_ratio; }))
        .def_prop_ro("region",
                     reading([](const Core& core) { return core.is_pal() ? "pal" : "ntsc"; }))
        .def_prop_ro("controllers", reading([](const Core& core) { return core.controllers(); }))
        .def_prop_rw("draws_in_rollouts",
                     reading([](const Core& core) { return core.draws_in_batches(); }),
                     [](Handle& self, bool draws) {
                         const Core::Use use(self.core());
                         self.core().set_draws_in_batches(draws);
                     })
        .def("advance", &advance, "held"_a, "frames"_a)
        .def_prop_ro("frames_run", reading([](const Core& core) { return core.frames_run(); }))
        .def("reset", [](Handle& self) { self.core().reset(); })
        .def("save_state", [](Handle& self) { return to_bytes(self.core().save_state()); })
        .def(
            "load_state",
            [](Handle& self, const nb::bytes& data) { self.core().load_state(bytes_of(data)); },
            "data"_a)
        .def("memory_size", &memory_size, "region"_a)
        .def("read_memory", &read_memory, "region"_a, "address"_a, "length"_a)
        .def("read_byte", &read_byte, "region"_a, "address"_a)
        .def("write_memory", &write_memory, "region"_a, "address"_a, "data"_a)
        .def_prop_ro("memory_map", reading([](const Core& core) { return core.memory_map(); }))
        .def("read_map", &read_map, "index"_a, "address"_a, "length"_a)
        .def("write_map", &write_map, "index"_a, "address"_a, "data"_a)
        .def("view_memory", &view_memory, "region"_a)
        .def_prop_ro("screen", &screen)
        .def_prop_ro("audio", &audio)
        .def_prop_ro("log", reading(log_lines))
        .def_prop_ro("serialize_size", [](Handle& self) { return self.core().serialize_size(); })
        .def_prop_ro("closed", &Handle::closed)
        .def("close", &Handle::close);

    nb::class_<Pool>(module, "Pool")
        .def(nb::init<uint64_t, uint64_t>(), "slot_size"_a, "capacity"_a)
        .def_prop_ro("capacity", &Pool::capacity)
        .def_prop_ro("slot_size", &Pool::slot_size)
        .def_prop_ro("used", &Pool::used)
        .def("put", &put, "data"_a, "frame"_a)
        .def("get", &get, "slot"_a)
        .def("free", &free_slots, "slots"_a);

    // Arrays that are written must not be converted: a copy would be written instead.
    module.def("rollout", &play, "cores"_a, "pool"_a, "parents"_a.noconvert(),
               "inputs"_a.noconvert(), "keep"_a, "watch"_a.noconvert(), "mask"_a.none().noconvert(),
               "ram"_a.noconvert(), "watched"_a.noconvert(), "slots"_a.noconvert(),
               "hashes"_a.noconvert());
    module.def("play_copies", &play_on, "cores"_a, "workers"_a, "rows"_a.noconvert(),
               "inputs"_a.noconvert(), "seen"_a);
    module.def("time_advance", &bare_advance, "core"_a, "inputs"_a.noconvert(), "region"_a,
               "address"_a);
    module.def("time_rollout", &bare_rollout, "core"_a, "states"_a, "parents"_a.noconvert(),
               "inputs"_a.noconvert());

    bind_colibri(module);
    bind_rl(module);
    bind_search(module);
}

}  // namespace copain
