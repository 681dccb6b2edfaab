// What the bindings share: Python's arrays and bytes as spans, and back.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "batch/pool.h"
#include "batch/rollout.h"
#include "rl/seen.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace copain {

template <typename T, typename Shape>
using Array = nb::ndarray<T, Shape, nb::c_contig, nb::device::cpu>;

using Slots = Array<const int32_t, nb::ndim<1>>;

// Lets Ctrl-C end a long call. Called without the GIL.
inline void check_signals() {
    const nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0)
        throw nb::python_error();
}

inline std::span<const uint8_t> bytes_of(const nb::bytes& data) {
    return {static_cast<const uint8_t*>(data.data()), data.size()};
}

inline nb::bytes to_bytes(std::span<const uint8_t> data) {
    return nb::bytes(data.data(), data.size());
}

template <typename T, typename Shape>
std::span<T> span_of(const Array<T, Shape>& array) {
    return {array.data(), array.size()};
}

template <typename T>
nb::object to_array(std::vector<T> values, std::initializer_list<size_t> shape) {
    auto* kept = new std::vector<T>(std::move(values));
    const nb::capsule owner(kept,
                            [](void* data) noexcept { delete static_cast<std::vector<T>*>(data); });
    return nb::cast(nb::ndarray<nb::numpy, T>(kept->data(), shape.size(), shape.begin(), owner));
}

// `length` bytes at `address`; throws CoreError if they do not lie within `memory`.
std::span<uint8_t> part_of(std::span<uint8_t> memory, uint64_t address, uint64_t length);

// Holds a pool while nobody else does; waits without the GIL.
std::unique_lock<std::mutex> hold(Pool& pool);

// The arrays of a rollout as they come from Python.
struct RolloutArrays {
    Slots parents;
    Array<const uint16_t, nb::ndim<3>> inputs;
    bool keep;
    Array<const int64_t, nb::ndim<1>> watch;
    std::optional<Array<const uint8_t, nb::ndim<1>>> mask;
    Array<uint8_t, nb::ndim<2>> ram;
    Array<uint8_t, nb::ndim<3>> watched;
    Array<int32_t, nb::ndim<1>> slots;
    Array<uint64_t, nb::ndim<1>> hashes;

    RolloutBatch batch() const;  // throws CoreError if they do not fit each other
};

// What is to be seen of copies that play on, as it comes from Python; holds the arrays.
class SeenArrays {
  public:
    template <typename T, typename Shape>
    using Maybe = std::optional<Array<T, Shape>>;
    SeenArrays(Array<uint8_t, nb::ndim<3>> ram, const RamSight* sight,
               Maybe<int64_t, nb::ndim<2>> numbers, Maybe<float, nb::ndim<3>> features,
               Maybe<float, nb::ndim<3>> features_given, Maybe<uint8_t, nb::ndim<4>> grey,
               Maybe<uint8_t, nb::ndim<4>> grey_given, Maybe<uint8_t, nb::ndim<4>> screen,
               bool fresh)
        : ram_(std::move(ram)),
          sight_(sight),
          numbers_(std::move(numbers)),
          features_(std::move(features)),
          features_given_(std::move(features_given)),
          grey_(std::move(grey)),
          grey_given_(std::move(grey_given)),
          screen_(std::move(screen)),
          fresh_(fresh) {}

    // For these copies of `count`, and what they play. Throws CoreError if the arrays do not fit
    // each other. They hold as long as this does.
    Seen seen(const Slots& rows, const Array<const uint16_t, nb::ndim<3>>& inputs,
              size_t count) const;

  private:
    Array<uint8_t, nb::ndim<3>> ram_;
    const RamSight* sight_;
    Maybe<int64_t, nb::ndim<2>> numbers_;
    Maybe<float, nb::ndim<3>> features_;
    Maybe<float, nb::ndim<3>> features_given_;
    Maybe<uint8_t, nb::ndim<4>> grey_;
    Maybe<uint8_t, nb::ndim<4>> grey_given_;
    Maybe<uint8_t, nb::ndim<4>> screen_;
    bool fresh_;
};

void bind_colibri(nb::module_& module);  // colibri_module.cpp
void bind_rl(nb::module_& module);       // rl_module.cpp
void bind_search(nb::module_& module);   // search_module.cpp

}  // namespace copain
