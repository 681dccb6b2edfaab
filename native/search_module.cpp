// What Python sees of what searches are made of.
#include <algorithm>

#include "batch/error.h"
#include "binding.h"
#include "colibri/fleet.h"
#include "search/difference.h"
#include "search/seen.h"
#include "search/shelf.h"

namespace copain {

namespace {

using Packed = Array<const uint8_t, nb::ndim<1>>;

void improve(SeenTable& table, const Array<const uint64_t, nb::ndim<1>>& hashes,
             const Array<const int64_t, nb::ndim<1>>& scores,
             const Array<bool, nb::ndim<1>>& improved, SeenTable* older) {
    if (scores.size() != hashes.size() || improved.size() != hashes.size())
        throw CoreError("SeenTable.improve: as many scores and answers as hashes are needed");
    const nb::gil_scoped_release released;
    table.improve(span_of(hashes), span_of(scores), span_of(improved), older);
}

using Rows = Array<const int64_t, nb::ndim<1>>;
using Ram = Array<const uint8_t, nb::ndim<2>>;
using RamOut = Array<uint8_t, nb::ndim<2>>;
using States = Array<uint8_t, nb::ndim<2>>;

// Puts the savestates of these rows, and their RAM, on the shelf; `get(slot)` gives one.
template <typename Get>
nb::object put_rows(Shelf& shelf, const Slots& slots, const Ram& ram, const Rows& rows,
                    const Get& get) {
    if (ram.shape(0) != slots.size())
        throw CoreError("Shelf.put: as many slots as rows of RAM are needed");
    std::vector<int64_t> numbers;
    for (const int64_t row : span_of(rows)) {
        if (row < 0 || static_cast<size_t>(row) >= slots.size())
            throw CoreError("Shelf.put: there is no row " + std::to_string(row));
        const auto at = static_cast<size_t>(row);
        const auto [state, frame] = get(slots.data()[at]);
        const size_t size = ram.shape(1);
        numbers.push_back(shelf.put(state, frame, {ram.data() + at * size, size}));
    }
    const size_t count = numbers.size();
    const nb::gil_scoped_acquire gil;
    return to_array(std::move(numbers), {count});
}

nb::object put_on_shelf(Shelf& shelf, Pool& pool, const Slots& slots, const Ram& ram,
                        const Rows& rows) {
    const auto lock = hold(pool);
    const nb::gil_scoped_release released;
    return put_rows(shelf, slots, ram, rows, [&](int32_t slot) { return pool.get(slot); });
}

// A row of `ram` for each number.
void check_room(const Rows& numbers, size_t rows) {
    if (rows < numbers.size())
        throw CoreError("Shelf: a row for each place is needed");
}

nb::object take_from_shelf(const Shelf& shelf, Pool& pool, const Rows& numbers, const RamOut& ram) {
    check_room(numbers, ram.shape(0));
    std::vector<int32_t> slots(numbers.size());
    {
        const auto lock = hold(pool);
        const nb::gil_scoped_release released;
        pool.allot(slots);
        const size_t width = ram.shape(1);
        try {
            for (size_t row = 0; row < slots.size(); ++row) {
                const auto [size, frame] = shelf.take(numbers.data()[row], pool.room(slots[row]),
                                                      {ram.data() + row * width, width});
                pool.wrote(slots[row], size, frame);
            }
        } catch (...) {
            pool.free(slots);
            throw;
        }
    }
    const size_t count = slots.size();
    return to_array(std::move(slots), {count});
}

// The same with savestates that are rows of an array, all of one size.
nb::object put_array(Shelf& shelf, const States& states, const Slots& slots, const Ram& ram,
                     const Rows& rows) {
    const nb::gil_scoped_release released;
    return put_rows(shelf, slots, ram, rows, [&](int32_t slot) {
        if (slot < 0 || static_cast<size_t>(slot) >= states.shape(0))
            throw CoreError("Shelf.put: there is no savestate " + std::to_string(slot));
        const size_t size = states.shape(1);
        const std::span<const uint8_t> state{states.data() + static_cast<size_t>(slot) * size,
                                             size};
        return std::pair{state, int64_t{0}};
    });
}

void take_array(const Shelf& shelf, const States& states, const Slots& slots, const Rows& numbers,
                const RamOut& ram) {
    check_room(numbers, std::min(ram.shape(0), slots.size()));
    const nb::gil_scoped_release released;
    for (size_t row = 0; row < numbers.size(); ++row) {
        const auto slot = static_cast<size_t>(slots.data()[row]);
        if (slots.data()[row] < 0 || slot >= states.shape(0))
            throw CoreError("Shelf.take: there is no room for a savestate in " +
                            std::to_string(slots.data()[row]));
        shelf.take(numbers.data()[row], {states.data() + slot * states.shape(1), states.shape(1)},
                   {ram.data() + row * ram.shape(1), ram.shape(1)});
    }
}

void ram_on_shelf(const Shelf& shelf, const Rows& numbers, const RamOut& ram) {
    check_room(numbers, ram.shape(0));
    const nb::gil_scoped_release released;
    for (size_t row = 0; row < numbers.size(); ++row)
        shelf.take(numbers.data()[row], {}, {ram.data() + row * ram.shape(1), ram.shape(1)});
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
        .def(nb::init<size_t, std::string>(), "most"_a = 0, "folder"_a = "")
        .def("__len__", &SeenTable::size)
        .def_prop_ro("bytes", &SeenTable::bytes)
        .def_prop_ro("spilled", &SeenTable::spilled)
        .def("improve", &improve, "hashes"_a.noconvert(), "scores"_a.noconvert(),
             "improved"_a.noconvert(), "older"_a.none() = nb::none());

    using colibri::StatePool;
    nb::class_<Shelf>(module, "Shelf")
        .def(nb::init<size_t, size_t, std::string>(), "ram_size"_a, "most"_a = 0, "folder"_a = "")
        .def("__len__", &Shelf::size)
        .def_prop_ro("bytes", &Shelf::bytes)
        .def_prop_ro("spilled", &Shelf::spilled)
        .def_prop_ro("packed", &Shelf::packed)
        .def("put", &put_on_shelf, "pool"_a, "slots"_a.noconvert(), "ram"_a.noconvert(),
             "rows"_a.noconvert())
        .def(
            "put",
            [](Shelf& shelf, StatePool& pool, const Slots& slots, const Ram& ram,
               const Rows& rows) { return put_on_shelf(shelf, pool.slots(), slots, ram, rows); },
            "pool"_a, "slots"_a.noconvert(), "ram"_a.noconvert(), "rows"_a.noconvert())
        .def("put", &put_array, "states"_a.noconvert(), "slots"_a.noconvert(), "ram"_a.noconvert(),
             "rows"_a.noconvert())
        .def("take", &take_from_shelf, "pool"_a, "numbers"_a.noconvert(), "ram"_a.noconvert())
        .def(
            "take",
            [](const Shelf& shelf, StatePool& pool, const Rows& numbers, const RamOut& ram) {
                return take_from_shelf(shelf, pool.slots(), numbers, ram);
            },
            "pool"_a, "numbers"_a.noconvert(), "ram"_a.noconvert())
        .def("take", &take_array, "states"_a.noconvert(), "slots"_a.noconvert(),
             "numbers"_a.noconvert(), "ram"_a.noconvert())
        .def("ram", &ram_on_shelf, "numbers"_a.noconvert(), "ram"_a.noconvert())
        .def(
            "drop", [](Shelf& shelf, const Rows& numbers) { shelf.drop(span_of(numbers)); },
            "numbers"_a.noconvert());

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
