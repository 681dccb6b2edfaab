// What Python sees of what searches are made of.
#include "batch/error.h"
#include "binding.h"
#include "search/seen.h"

namespace copain {

namespace {

void improve(SeenTable& table, const Array<const uint64_t, nb::ndim<1>>& hashes,
             const Array<const int64_t, nb::ndim<1>>& scores,
             const Array<bool, nb::ndim<1>>& improved) {
    if (scores.size() != hashes.size() || improved.size() != hashes.size())
        throw CoreError("SeenTable.improve: as many scores and answers as hashes are needed");
    table.improve(span_of(hashes), span_of(scores), span_of(improved));
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
}

}  // namespace copain
