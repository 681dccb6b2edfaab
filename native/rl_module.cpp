// What Python sees of copies that play on: bindings, and nothing else. Signatures and words for
// people are in src/copain/_native.pyi.
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "batch/error.h"
#include "binding.h"
#include "rl/picture.h"
#include "rl/seen.h"
#include "rl/sight.h"

namespace copain {

namespace {

template <typename Items>
SeenStack stack_of(const char* name, const Items& kept, const Items& given, size_t count,
                   size_t item) {
    if (!kept)
        return {};
    if (kept->shape(0) != count || kept->shape(1) == 0 || (given && given->size() != kept->size()))
        throw CoreError(std::string(name) + ": kept, and what is given, are (copies, depth, ...)");
    SeenStack stack;
    stack.kept = reinterpret_cast<uint8_t*>(kept->data());
    stack.given = given ? reinterpret_cast<uint8_t*>(given->data()) : nullptr;
    stack.item = item;
    stack.depth = kept->shape(1);
    return stack;
}

void need(bool fits, const char* what) {
    if (!fits)
        throw CoreError(what);
}

RamNumber::Type type_of(unsigned type) {
    need(type <= 3, "the type of a number is 0 to 3");
    return static_cast<RamNumber::Type>(type);
}

using NumberTuple = std::tuple<uint32_t, uint32_t, unsigned, bool, bool, int64_t>;
using FeatureTuple = std::tuple<uint32_t, bool, double, double>;

void make_sight(RamSight* self, const std::vector<NumberTuple>& numbers,
                const std::vector<FeatureTuple>& features, size_t kept) {
    std::vector<RamNumber> made;
    for (const auto& [address, length, type, big, swapped, mask] : numbers)
        made.push_back({address, length, type_of(type), big, swapped, mask});
    std::vector<RamFeature> of;
    for (const auto& [index, equals, low, scale] : features)
        of.push_back({index, equals, low, scale});
    new (self) RamSight(std::move(made), std::move(of), kept);
}

std::pair<nb::object, nb::object> look(const RamSight& sight,
                                       const Array<const uint8_t, nb::ndim<1>>& ram) {
    need(ram.size() >= sight.ram_size(), "the sight looks past the end of RAM");
    std::vector<int64_t> kept(sight.kept());
    std::vector<float> features(sight.size());
    sight.look(ram.data(), kept.data(), features.data());
    return {to_array(std::move(kept), {sight.kept()}),
            to_array(std::move(features), {sight.size()})};
}

nb::object shrink(const Array<const uint8_t, nb::ndim<2>>& grey, size_t height, size_t width) {
    need(grey.size() > 0 && height > 0 && width > 0, "shrunk: an empty picture");
    GreyPicture picture;
    picture.resize(grey.shape(1), grey.shape(0));
    std::copy_n(grey.data(), grey.size(), picture.pixels.data());
    std::vector<uint8_t> made(height * width);
    Shrink{}(picture, made.data(), width, height);
    return to_array(std::move(made), {height, width});
}

}  // namespace

Seen SeenArrays::seen(const Slots& rows, const Array<const uint16_t, nb::ndim<3>>& inputs,
                      size_t count) const {
    Seen seen;
    seen.copies = count;
    seen.frames = inputs.shape(1);
    seen.ports = inputs.shape(2);
    seen.ram_size = ram_.shape(2);
    seen.rows = span_of(rows);
    seen.inputs = span_of(inputs);
    seen.ram = ram_.data();
    seen.sight = sight_;
    seen.fresh = fresh_;
    need(inputs.shape(0) == rows.size(), "an input log for each of the copies is needed");
    need(ram_.shape(0) == seen.frames + 1 && ram_.shape(1) == count,
         "ram is (frames + 1, copies, ram_size)");
    for (const int32_t row : seen.rows)
        need(row >= 0 && static_cast<size_t>(row) < count, "a row is of no copy");
    if (sight_) {
        need(sight_->ram_size() <= seen.ram_size, "the sight looks past the end of RAM");
        need(!numbers_ || (numbers_->shape(0) == count && numbers_->shape(1) == sight_->kept()),
             "numbers is (copies, kept)");
        need(!features_ || features_->shape(2) == sight_->size(),
             "features is (copies, depth, size)");
        seen.numbers = numbers_ ? numbers_->data() : nullptr;
        seen.features =
            stack_of("features", features_, features_given_, count, sight_->size() * sizeof(float));
    }
    if (grey_) {
        seen.grey_height = grey_->shape(2);
        seen.grey_width = grey_->shape(3);
        need(grey_->size() > 0, "grey is empty");
        seen.grey = stack_of("grey", grey_, grey_given_, count, seen.grey_height * seen.grey_width);
    }
    if (screen_) {
        need(screen_->shape(0) == count && screen_->shape(3) == 3,
             "screen is (copies, height, width, 3)");
        seen.screen = screen_->data();
        seen.screen_height = screen_->shape(1);
        seen.screen_width = screen_->shape(2);
    }
    return seen;
}

void bind_rl(nb::module_& module) {
    nb::class_<RamSight>(module, "RamSight")
        .def("__init__", &make_sight, "numbers"_a, "features"_a, "kept"_a)
        .def("look", &look, "ram"_a.noconvert());
    using Bytes4 = SeenArrays::Maybe<uint8_t, nb::ndim<4>>;
    using Floats = SeenArrays::Maybe<float, nb::ndim<3>>;
    nb::class_<SeenArrays>(module, "Seen")
        .def(nb::init<Array<uint8_t, nb::ndim<3>>, const RamSight*,
                      SeenArrays::Maybe<int64_t, nb::ndim<2>>, Floats, Floats, Bytes4, Bytes4,
                      Bytes4, bool>(),
             nb::keep_alive<1, 3>(), "ram"_a.noconvert(), "sight"_a.none(),
             "numbers"_a.none().noconvert(), "features"_a.none().noconvert(),
             "features_given"_a.none().noconvert(), "grey"_a.none().noconvert(),
             "grey_given"_a.none().noconvert(), "screen"_a.none().noconvert(), "fresh"_a);
    module.def("shrunk", &shrink, "grey"_a.noconvert(), "height"_a, "width"_a);
}

}  // namespace copain
