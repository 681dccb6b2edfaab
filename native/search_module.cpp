// What Python sees of what searches are made of.
#include <algorithm>

#include "batch/error.h"
#include "binding.h"
#include "colibri/fleet.h"
#include "search/difference.h"
#include "search/seen.h"

namespace copain {

namespace {

using Packed = Array<const uint8_t, nb::ndim<1>>;

void improve(SeenTable& table, const Array<const uint64_t, nb::ndim<1>>& hashes,
             const Array<const int64_t, nb::ndim<1>>& scores,
             const Array<bool, nb::ndim<1>>& improved) {
    if (scores.size() != hashes.size() || improved.size() != hashes.size())
        throw CoreError("SeenTable.improve: as many scores and answers as hashes are needed");
    table.improve(span_of(hashes), span_of(scores), span_of(improved));
}

nb::object as_array(std::vector<uint8_t> bytes) {
    const size_t size = bytes.size();
    return to_array(std::move(bytes), {size});
}

// Savestates of a pool, packed as differences to `reference`.
nb::object pack_slots(Pool& pool, const Slots& slots, const nb::bytes& reference) {
    std::vector<uint8_t> packed;
    {
        const auto lock = hold(pool);
        const nb::gil_scoped_release released;
        for (const int32_t slot : span_of(slots)) {
            const auto [state, frame] = pool.get(slot);
            pack(packed, state, static_cast<uint64_t>(frame), bytes_of(reference));
        }
    }
    return as_array(std::move(packed));
}

// Puts what was packed back with `put(state, frame)`: all of it or, if that throws, nothing.
template <typename Put>
nb::object unpack_slots(Pool& pool, const Packed& packed, const nb::bytes& reference,
                        const Put& put) {
    std::vector<int32_t> slots;
    {
        const auto lock = hold(pool);
        const nb::gil_scoped_release released;
        Unpacking unpacking(span_of(packed), bytes_of(reference), pool.slot_size());
        std::vector<uint8_t> state;
        uint64_t frame = 0;
        try {
            while (unpacking.next(state, frame))
                slots.push_back(put(state, static_cast<int64_t>(frame)));
        } catch (...) {
            pool.free(slots);
            throw;
        }
    }
    const size_t count = slots.size();
    return to_array(std::move(slots), {count});
}

// RAM or anything else that comes in rows of one size; the first row is the reference.
nb::object pack_rows(const Array<const uint8_t, nb::ndim<2>>& rows) {
    std::vector<uint8_t> packed;
    {
        const nb::gil_scoped_release released;
        const size_t size = rows.shape(1);
        std::span<const uint8_t> reference;
        for (size_t row = 0; row < rows.shape(0); ++row) {
            const std::span<const uint8_t> item(rows.data() + row * size, size);
            pack(packed, item, 0, reference);
            if (row == 0)
                reference = item;
        }
    }
    return as_array(std::move(packed));
}

void unpack_rows(const Packed& packed, const Array<uint8_t, nb::ndim<2>>& rows) {
    const nb::gil_scoped_release released;
    const size_t size = rows.shape(1);
    Unpacking first(span_of(packed), {}, size);
    std::vector<uint8_t> reference, item;
    uint64_t number = 0;
    first.next(reference, number);
    Unpacking unpacking(span_of(packed), reference, size);
    for (size_t row = 0; row < rows.shape(0); ++row) {
        if (!unpacking.next(item, number) || item.size() != size)
            throw CoreError("packed rows are damaged");
        std::ranges::copy(item, rows.data() + row * size);
    }
}

}  // namespace

void bind_search(nb::module_& module) {
    // Arrays that are written must not be converted: a copy would be written instead.
    nb::class_<SeenTable>(module, "SeenTable")
        .def(nb::init<>())
        .def("__len__", &SeenTable::size)
        .def_prop_ro("bytes", &SeenTable::bytes)
        .def("improve", &improve, "hashes"_a.noconvert(), "scores"_a.noconvert(),
             "improved"_a.noconvert());

    using colibri::StatePool;
    module.def("pack", &pack_slots, "pool"_a, "slots"_a, "reference"_a);
    module.def(
        "pack",
        [](StatePool& pool, const Slots& slots, const nb::bytes& reference) {
            return pack_slots(pool.slots(), slots, reference);
        },
        "pool"_a, "slots"_a, "reference"_a);
    module.def(
        "unpack",
        [](Pool& pool, const Packed& packed, const nb::bytes& reference) {
            return unpack_slots(pool, packed, reference, [&](const auto& state, int64_t frame) {
                return pool.put(state, frame);
            });
        },
        "pool"_a, "packed"_a, "reference"_a);
    module.def(
        "unpack",
        [](StatePool& pool, const Packed& packed, const nb::bytes& reference) {
            return unpack_slots(pool.slots(), packed, reference,
                                [&](const auto& state, int64_t) { return pool.put(state); });
        },
        "pool"_a, "packed"_a, "reference"_a);
    module.def("pack_rows", &pack_rows, "rows"_a.noconvert());
    module.def("unpack_rows", &unpack_rows, "packed"_a, "rows"_a.noconvert());
}

}  // namespace copain
