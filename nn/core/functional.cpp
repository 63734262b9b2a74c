#include "functional.hpp"

#include <algorithm>

#include <autodiff/ops/shape/shape.hpp>

namespace xgrad::nn::detail {
namespace {

template <class T>
void add_once(std::vector<T*>& list, T& item) {
    if (std::find(list.begin(), list.end(), &item) == list.end()) list.push_back(&item);
}

/// The fields of a model, each once.
struct Fields final : Visitor {
    explicit Fields(ModelRef model) { model.visit(*this); }
    void parameter(const Path&, Parameter& p) override { add_once(parameters, p); }
    void buffer(const Path&, Tensor& t) override { add_once(buffers, t); }
    void random(const Path&, RandomStream& stream) override { add_once(streams, stream); }

    /// True when the leaves are parameters rather than buffers.
    bool learns() const {
        return std::any_of(parameters.begin(), parameters.end(),
                           [](const Parameter* p) { return is_floating(p->dtype()); });
    }

    std::vector<Parameter*> parameters;
    std::vector<Tensor*> buffers;
    std::vector<RandomStream*> streams;
};

struct Names final : Visitor {
    void parameter(const Path& path, Parameter& p) override { found.emplace_back(path.str(), &p); }
    void buffer(const Path& path, Tensor& t) override { found.emplace_back(path.str(), &t); }
    std::vector<std::pair<std::string, Tensor*>> found;  // parameters are tensors, too
};

/// The tensors given to a model's fields; undefined for fields that are given none.
struct Given {
    Tensors parameters, buffers;
};

void check_like(const char* name, const std::string& field, const Tensor& given, const Tensor& own, Location where) {
    check<ValueError>(given.defined(), where,
                      [&] { return std::string(name) + ": " + field + " must be a tensor, got an empty one"; });
    check<ShapeError>(given.shape() == own.shape(), where, [&] {
        return std::string(name) + ": " + field + " must have shape " + to_string(own.shape()) + ", got " +
               to_string(given.shape());
    });
    check<DTypeError>(given.dtype() == own.dtype(), where, [&] {
        return std::string(name) + ": " + field + " must be " + name_of(own.dtype()) + ", got " +
               name_of(given.dtype());
    });
}

void give_by_name(const char* name, Given& given, const Fields& fields, ModelRef model, const State& named,
                  Location where) {
    Names names;
    if (!named.empty()) model.visit(names);
    for (const auto& item : named) {
        const auto& key = item.first;
        const Tensor& tensor = item.second;
        const auto found =
            std::find_if(names.found.begin(), names.found.end(), [&](const auto& entry) { return entry.first == key; });
        check<ValueError>(found != names.found.end(), where, [&] {
            return std::string(name) + ": the model has no parameter or buffer of that name, got \"" + key + "\"";
        });
        check_like(name, key, tensor, *found->second, where);
        const auto give = [field = found->second, &value = tensor](const auto& list, Tensors& places) {
            for (std::size_t i = 0; i < list.size(); ++i)
                if (list[i] == field) places[i] = value;
        };
        give(fields.parameters, given.parameters);
        give(fields.buffers, given.buffers);
    }
}

template <class Field>
void give_in_order(Tensors& places, const std::vector<Field*>& fields, const Tensors& tensors, std::size_t& next,
                   bool only_floating) {
    for (std::size_t i = 0; i < fields.size() && next < tensors.size(); ++i)
        if (!only_floating || is_floating(fields[i]->dtype())) places[i] = tensors[next++];
}

/// Assigns the substitutes to the fields.
Given resolve(const char* name, const Fields& fields, ModelRef model, const Substitution& from) {
    using By = Substitutes::By;
    const auto& [by, named, tensors] = from.given();
    Given given{Tensors(fields.parameters.size()), Tensors(fields.buffers.size())};
    std::size_t next = 0;
    if (by == By::name) give_by_name(name, given, fields, model, named, from.where());
    if (by == By::order) {
        check<ValueError>(tensors.size() == fields.parameters.size(), from.where(), [&, got = tensors.size()] {
            return std::string(name) + ": one tensor for each parameter is needed, got " + std::to_string(got) +
                   " for " + std::to_string(fields.parameters.size());
        });
        for (std::size_t i = 0; i < tensors.size(); ++i)
            check_like(name, "parameter " + std::to_string(i), tensors[i], *fields.parameters[i], from.where());
    }
    const bool leaves = by == By::leaves;
    if (!leaves || fields.learns()) give_in_order(given.parameters, fields.parameters, tensors, next, leaves);
    give_in_order(given.buffers, fields.buffers, tensors, next, leaves);
    return given;
}

void check_own(const char* name, const Fields& copy, const Fields& original, const Given& given, Location where) {
    bool own = copy.parameters.size() == original.parameters.size() && copy.buffers.size() == original.buffers.size();
    for (std::size_t i = 0; own && i < copy.parameters.size(); ++i) own = copy.parameters[i] != original.parameters[i];
    for (std::size_t i = 0; own && i < copy.buffers.size(); ++i)
        own = !given.buffers[i].defined() || copy.buffers[i] != original.buffers[i];
    check<ValueError>(own, where, [&] {
        return std::string(name) +
               ": a copy of the model must have parameters of its own, got one that shares a layer through a pointer; "
               "use a tape";
    });
}

void put(const Fields& copy, const Fields& original, const Given& given) {
    for (std::size_t i = 0; i < copy.parameters.size(); ++i)
        copy.parameters[i]->bind(given.parameters[i].defined() ? given.parameters[i] : *original.parameters[i]);
    for (std::size_t i = 0; i < copy.buffers.size(); ++i)
        if (given.buffers[i].defined()) *copy.buffers[i] = given.buffers[i];
}

/// The address of the elements: handles with one address share them.
const void* address(const Tensor& t) {
    switch (t.dtype()) {
        case DType::f32: return t.data<float>().data();
        case DType::f64: return t.data<double>().data();
        case DType::i32: return t.data<std::int32_t>().data();
        case DType::i64: return t.data<std::int64_t>().data();
        default: return t.data<bool>().data();
    }
}

}  // namespace

Tensors leaves(ModelRef argument) {
    const Fields fields(argument);
    Tensors found;
    const auto add = [&](const auto& list) {
        for (const Tensor* t : list)
            if (is_floating(t->dtype())) found.push_back(*t);
    };
    if (fields.learns()) add(fields.parameters);
    else add(fields.buffers);
    return found;
}

Tensors everything(ModelRef argument) {
    const Fields fields(argument);
    Tensors found;
    for (const Parameter* p : fields.parameters) found.push_back(*p);
    for (const Tensor* t : fields.buffers) found.push_back(*t);
    return found;
}

void fill(const char* name, ModelRef copy, ModelRef original, const Substitution& from) {
    const Fields to(copy), own(original);
    const Given given = resolve(name, own, original, from);
    check_own(name, to, own, given, from.where());
    put(to, own, given);
}

void fill_gradients(const char* name, ModelRef copy, ModelRef original, Tensors gradients, Location where) {
    fill(name, copy, original, {{Substitutes::By::leaves, {}, std::move(gradients)}, where});
    const Fields fields(copy);
    if (!fields.learns()) return;
    for (Tensor* buffer : fields.buffers)
        if (is_floating(buffer->dtype())) *buffer = zeros_like(*buffer);
}

Tensor ravel(const char* name, ModelRef model, Location where) {
    Tensors parts;
    for (const Tensor& leaf : leaves(model)) {
        parts.push_back(reshape(Operand(leaf, where), {leaf.size()}));
        check<DTypeError>(leaf.dtype() == parts[0].dtype(), where, [&] {
            return std::string(name) + ": all parameters must have one dtype, got " + name_of(parts[0].dtype()) +
                   " and " + name_of(leaf.dtype());
        });
    }
    check<ValueError>(!parts.empty(), where,
                      [&] { return std::string(name) + ": the model must have parameters, got none"; });
    return concat(parts, 0, where);
}

Tensors unravel(const char* name, ModelRef like, const Tensor& row, Location where) {
    const Tensors wanted = leaves(like);
    std::int64_t n = 0;
    std::vector<std::int64_t> sizes;
    for (const Tensor& leaf : wanted) {
        sizes.push_back(leaf.size());
        n += leaf.size();
    }
    check<ShapeError>(row.shape() == Shape{n}, where, [&] {
        return std::string(name) + ": the row must have shape " + to_string(Shape{n}) + ", got " +
               to_string(row.shape());
    });
    Tensors parts = wanted.empty() ? Tensors() : split(Operand(row, where), sizes);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        check<DTypeError>(row.dtype() == wanted[i].dtype(), where, [&] {
            return std::string(name) + ": the row must be " + name_of(wanted[i].dtype()) + ", got " +
                   name_of(row.dtype());
        });
        parts[i] = reshape(Operand(parts[i], where), wanted[i].shape());
    }
    return parts;
}

Tensors stacked(const std::vector<ModelRef>& models, Location where) {
    check<ValueError>(!models.empty(), where, [] { return std::string("nn::stack: there must be a model, got none"); });
    std::vector<Tensors> columns(everything(models[0]).size());
    for (const ModelRef& model : models) {
        Tensors parts = everything(model);
        check<ValueError>(parts.size() == columns.size(), where, [&] {
            return "nn::stack: models must have one structure, got " + std::to_string(columns.size()) + " and " +
                   std::to_string(parts.size()) + " tensors";
        });
        for (std::size_t i = 0; i < parts.size(); ++i) columns[i].push_back(std::move(parts[i]));
    }
    Tensors rows;
    for (const Tensors& column : columns) rows.push_back(stack(column, 0, where));
    return rows;
}

// --- Call ------------------------------------------------------------------------------------------------------------

struct Call::Inside {
    Fields copy, original;
    Given given;
    Tensors parameters, buffers;  // of the copy when the call began
};

Call::Call(const char* name, ModelRef copy, ModelRef original, const Substitution& from)
    : inside_(new Inside{Fields(copy), Fields(original), {}, {}, {}}) {
    auto& [to, own, given, parameters, buffers] = *inside_;
    given = resolve(name, own, original, from);
    if (from.given().by == Substitutes::By::leaves)
        for (std::size_t i = 0; i < own.parameters.size(); ++i)
            if (own.parameters[i]->frozen()) given.parameters[i] = Tensor();
    check_own(name, to, own, given, from.where());
    put(to, own, given);
    const bool functional = from.given().by == Substitutes::By::name || from.given().by == Substitutes::By::order;
    for (std::size_t i = 0; i < to.parameters.size(); ++i) {
        // A constant given to functional_call is a constant for every tape, as it would be in a function of tensors;
        // the identity of the copy is not used.
        if (functional && given.parameters[i].defined() && !to.parameters[i]->bound())
            static_cast<Tensor&>(*to.parameters[i]) = stop_gradient(given.parameters[i]);
        parameters.push_back(*to.parameters[i]);
    }
    for (const Tensor* buffer : to.buffers) buffers.push_back(*buffer);
    for (std::size_t i = 0; i < to.streams.size(); ++i)
        if (to.streams[i] != own.streams[i]) to.streams[i]->follow(own.streams[i]);
}

Call::~Call() {
    const auto& [to, own, given, parameters, buffers] = *inside_;
    for (std::size_t i = 0; i < to.streams.size(); ++i)
        if (to.streams[i] != own.streams[i]) to.streams[i]->follow(nullptr);
    for (std::size_t i = 0; i < to.buffers.size(); ++i)
        if (!given.buffers[i].defined() && to.buffers[i] != own.buffers[i] && to.buffers[i]->defined() &&
            address(*to.buffers[i]) != address(buffers[i]))
            *own.buffers[i] = stop_gradient(*to.buffers[i]);
    for (std::size_t i = 0; i < to.parameters.size();
         ++i)  // an embedding with max_norm, called with the original's own weight
        if (to.parameters[i]->defined() && address(*to.parameters[i]) != address(parameters[i]) &&
            address(*own.parameters[i]) == address(parameters[i]))
            *own.parameters[i] = to.parameters[i]->value();
}

}  // namespace xgrad::nn::detail
